import { ClassicProfile } from "../classic/profile.ts";
import type { RecordProtection } from "../classic/record.ts";
import type { KeyPair } from "../crypto-provider.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { State } from "../states.ts";
import { agreeOnRecords, type Handshake, type HandshakeOptions, type HandshakeStep } from "./handshake.ts";
import { decodeAnswer, decodeConfirmation, encodeHello, encodeMaximumSize } from "./messages.ts";

/** The server's side: hello, its key, the maximum size. It speaks first. Source: spec/protocol.md, "Handshake". */
export class ServerHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  #keyPair: KeyPair | undefined;
  #records: RecordProtection | undefined;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  start(): Uint8Array[] {
    return [encodeHello(this.#options.encryption)];
  }

  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined {
    switch (state) {
      case "server-awaits-answer":
        return this.#receiveAnswer(input);
      case "server-awaits-client-key":
        return this.#receiveClientKey(input);
      default:
        return this.#receiveConfirmation(input);
    }
  }

  #receiveAnswer(input: ReceiveBuffer): HandshakeStep | undefined {
    if (decodeAnswer(input) === undefined) return undefined;
    if (!this.#options.encryption) {
      return { input: "plain-acceptance", output: [encodeMaximumSize(this.#options.maxMessageBytes)] };
    }
    // Not before the client has answered: a key pair costs a millisecond that a silent peer must not get for free.
    this.#keyPair = this.#options.crypto.generateKeyPair();
    return { input: "encrypted-acceptance", output: [this.#keyPair.publicKey] };
  }

  #receiveClientKey(input: ReceiveBuffer): HandshakeStep | undefined {
    this.#records = agreeOnRecords(input, this.#keyPair as KeyPair, this.#options.crypto);
    if (this.#records === undefined) return undefined;
    this.#keyPair = undefined;
    return { input: "client-key", output: [encodeMaximumSize(this.#options.maxMessageBytes, this.#records)] };
  }

  #receiveConfirmation(input: ReceiveBuffer): HandshakeStep | undefined {
    if (decodeConfirmation(input) === undefined) return undefined;
    const { maxMessageBytes } = this.#options;
    const profile = new ClassicProfile(maxMessageBytes, this.#records);
    return { input: "confirmation", output: [], opened: { profile, maxSendBytes: maxMessageBytes } };
  }
}
