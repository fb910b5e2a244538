import { PeerError } from "../../errors.ts";
import { ClassicProfile } from "../classic/profile.ts";
import type { KeyPair } from "../crypto-provider.ts";
import { HandshakeFailure } from "../handshake-failure.ts";
import { nativeNonce } from "../native/wire/key-schedule.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { State } from "../states.ts";
import type { Handshake, HandshakeStep } from "./handshake.ts";
import { agreeOnKeys, type KeyAgreement, takePublicKey, wipeAgreement } from "./key-agreement.ts";
import {
  type answers,
  decodeHello,
  decodeMaximumSize,
  encodeAnswer,
  encodeConfirmation,
  type Hello,
  type MaximumSize,
  protocolVersion,
  saysNative,
} from "./messages.ts";
import { agreeOnNative } from "./native-agreement.ts";
import { demandsEncryption, demandsNative, type HandshakeOptions, offersNative } from "./options.ts";

/** The client's side: its answer, its key, the confirmation. Source: spec/protocol.md, "Handshake". */
export class ClientHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  #keyPair: KeyPair | undefined;
  #keys: KeyAgreement | undefined;

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

  wipe(): void {
    wipeAgreement(this.#keys);
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
    if (demandsEncryption(this.#options) && !hello.encrypted) {
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
    const peerPublicKey = takePublicKey(input);
    if (peerPublicKey === undefined) return undefined;
    const keyPair = this.#keyPair as KeyPair;
    this.#keys = agreeOnKeys({ keyPair, peerPublicKey }, this.#options.crypto);
    this.#keyPair = undefined;
    return { input: "server-key", output: [keyPair.publicKey] };
  }

  #receiveMaximumSize(input: ReceiveBuffer): HandshakeStep | undefined {
    const maximumSize = decodeMaximumSize(input, this.#keys?.records);
    if (maximumSize === undefined) return undefined;
    const native = offersNative(this.#options) && this.#isFromNative(maximumSize);
    const step = native ? this.#goOnNative(maximumSize) : this.#openClassic(maximumSize);
    wipeAgreement(this.#keys, native ? undefined : "classic");
    this.#keys = undefined;
    return step;
  }

  #isFromNative(maximumSize: MaximumSize): boolean {
    if (this.#keys === undefined) return saysNative(maximumSize);
    const { ownPublicKey, peerPublicKey } = this.#keys;
    return saysNative(maximumSize, nativeNonce(peerPublicKey, ownPublicKey, this.#options.crypto));
  }

  #goOnNative({ frame }: MaximumSize): HandshakeStep {
    const native = agreeOnNative("client", { keys: this.#keys, frame }, this.#options);
    return { input: "native-maximum-size", output: [encodeConfirmation("native")], native };
  }

  #openClassic(maximumSize: MaximumSize): HandshakeStep {
    const { maxMessageBytes } = this.#options;
    const opened = {
      profile: new ClassicProfile({
        maxMessageBytes,
        peerMaxMessageBytes: maximumSize.maxMessageBytes,
        records: this.#keys?.records,
      }),
    };
    const output = [encodeConfirmation("classic")];
    if (!demandsNative(this.#options)) return { input: "maximum-size", output, opened };
    const refused = new PeerError(
      "ERR_PEER_NOT_NATIVE",
      "the server does not speak sealpipe's native profile, on which this client insists",
    );
    return { input: "maximum-size", output, opened: { ...opened, refused } };
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
