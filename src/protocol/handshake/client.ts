import { PeerError } from "../../errors.ts";
import { ClassicProfile } from "../classic/profile.ts";
import type { RecordProtection } from "../classic/record.ts";
import type { KeyPair } from "../crypto-provider.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { State } from "../states.ts";
import {
  agreeOnRecords,
  type Handshake,
  HandshakeFailure,
  type HandshakeOptions,
  type HandshakeStep,
} from "./handshake.ts";
import {
  type answers,
  decodeHello,
  decodeMaximumSize,
  encodeAnswer,
  encodeConfirmation,
  type Hello,
  protocolVersion,
} from "./messages.ts";

/** The client's side: its answer, its key, the confirmation. Source: spec/protocol.md, "Handshake". */
export class ClientHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  #keyPair: KeyPair | undefined;
  #records: RecordProtection | undefined;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  start(): Uint8Array[] {
    return [];
  }

  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined {
    switch (state) {
      case "client-awaits-hello":
        return this.#receiveHello(input);
      case "client-awaits-server-key":
        return this.#receiveServerKey(input);
      default:
        return this.#receiveMaximumSize(input);
    }
  }

  #receiveHello(input: ReceiveBuffer): HandshakeStep | undefined {
    const hello = decodeHelloOrRefuse(input);
    if (hello === undefined) return undefined;
    if (hello.version !== protocolVersion) {
      throw refusal(
        "otherVersion",
        new PeerError(
          "ERR_VERSION_MISMATCH",
          `the server speaks protocol version ${hello.version}, this client ${protocolVersion}`,
        ),
      );
    }
    if (this.#options.encryption && !hello.encrypted) {
      throw refusal(
        "encryptionRequired",
        new PeerError(
          "ERR_ENCRYPTION_REQUIRED",
          "this client insists on encryption and the server has it off",
        ),
      );
    }
    const output = [encodeAnswer("accepted")];
    if (!hello.encrypted) return { input: "plain-hello", output };
    this.#keyPair = this.#options.crypto.generateKeyPair();
    return { input: "encrypted-hello", output };
  }

  #receiveServerKey(input: ReceiveBuffer): HandshakeStep | undefined {
    const keyPair = this.#keyPair as KeyPair;
    this.#records = agreeOnRecords(input, keyPair, this.#options.crypto);
    if (this.#records === undefined) return undefined;
    this.#keyPair = undefined;
    return { input: "server-key", output: [keyPair.publicKey] };
  }

  #receiveMaximumSize(input: ReceiveBuffer): HandshakeStep | undefined {
    const peerMaximum = decodeMaximumSize(input, this.#records);
    if (peerMaximum === undefined) return undefined;
    const { maxMessageBytes } = this.#options;
    return {
      input: "maximum-size",
      output: [encodeConfirmation()],
      opened: {
        profile: new ClassicProfile(maxMessageBytes, this.#records),
        maxSendBytes: Math.min(maxMessageBytes, peerMaximum),
      },
    };
  }
}

function decodeHelloOrRefuse(input: ReceiveBuffer): Hello | undefined {
  try {
    return decodeHello(input);
  } catch (error) {
    throw refusal("failed", error as PeerError);
  }
}

function refusal(answer: keyof typeof answers, error: PeerError): HandshakeFailure {
  return new HandshakeFailure(error, encodeAnswer(answer));
}
