import { PeerError } from "../../errors.ts";
import { ClassicProfile } from "../classic/profile.ts";
import { type KeyPair, publicKeyBytes } from "../crypto-provider.ts";
import { nativeNonce } from "../native/wire/key-schedule.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { State } from "../states.ts";
import type { Handshake, HandshakeStep } from "./handshake.ts";
import {
  agreeOnKeys,
  type BothKeys,
  type KeyAgreement,
  takePublicKey,
  wipeAgreement,
} from "./key-agreement.ts";
import {
  answers,
  confirmations,
  decodeAnswer,
  decodeConfirmation,
  encodeHello,
  encodeMaximumSize,
  nativeMagic,
} from "./messages.ts";
import { agreeOnNative } from "./native-agreement.ts";
import { demandsEncryption, demandsNative, type HandshakeOptions, offersNative } from "./options.ts";

/**
 * The server's side: hello, its key, the maximum size. The server sends first. Source: spec/protocol.md, "Handshake".
 */
export class ServerHandshake implements Handshake {
  readonly #options: HandshakeOptions;
  readonly #offersNative: boolean;
  #keyPair: KeyPair | undefined;
  /** The client's, once all of it has arrived, until the keys are agreed on. */
  #clientKey: Uint8Array | undefined;
  /** Derived ahead of the step that needs it. */
  #sharedSecret: Uint8Array | undefined;
  #keys: KeyAgreement | undefined;
  #maximumSizeFrame: Uint8Array = new Uint8Array(0);

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#offersNative = offersNative(options);
  }

  start(): Uint8Array[] {
    return [encodeHello(demandsEncryption(this.#options))];
  }

  isCostly(state: State, input: ReceiveBuffer): boolean {
    switch (state) {
      case "server-awaits-answer":
        return demandsEncryption(this.#options) && input.firstChunk[0] === answers.accepted;
      case "server-awaits-client-key":
        return this.#clientKey !== undefined || input.length >= publicKeyBytes;
      default:
        // What follows: deriving native's secrets and keys, both hellos, and a session.
        return this.#keys !== undefined && this.#offersNative && input.firstChunk[0] === confirmations.native;
    }
  }

  keysToAgreeOn(state: State, input: ReceiveBuffer): BothKeys | undefined {
    if (state !== "server-awaits-client-key" || this.#keyPair === undefined) return undefined;
    this.#clientKey ??= takePublicKey(input);
    return this.#clientKey && { keyPair: this.#keyPair, peerPublicKey: this.#clientKey };
  }

  derived(sharedSecret: Uint8Array): void {
    this.#sharedSecret = sharedSecret;
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

  wipe(): void {
    wipeAgreement(this.#keys);
    this.#sharedSecret?.fill(0);
  }

  #receiveAnswer(input: ReceiveBuffer): HandshakeStep | undefined {
    if (decodeAnswer(input) === undefined) return undefined;
    const { maxMessageBytes, crypto } = this.#options;
    if (!demandsEncryption(this.#options)) {
      const sign = this.#offersNative ? nativeMagic : undefined;
      this.#maximumSizeFrame = encodeMaximumSize(maxMessageBytes, undefined, sign);
      return { input: "plain-acceptance", output: [this.#maximumSizeFrame] };
    }
    // Not before the client has answered: a key pair costs a millisecond, which a silent peer must not cause for
    // free.
    this.#keyPair = crypto.generateKeyPair();
    return { input: "encrypted-acceptance", output: [this.#keyPair.publicKey] };
  }

  #receiveClientKey(input: ReceiveBuffer): HandshakeStep | undefined {
    const { maxMessageBytes, crypto } = this.#options;
    const both = this.keysToAgreeOn("server-awaits-client-key", input);
    if (both === undefined) return undefined;
    const keys = agreeOnKeys(both, crypto, this.#sharedSecret);
    this.#keyPair = undefined;
    this.#clientKey = undefined;
    this.#sharedSecret = undefined;
    this.#keys = keys;
    const sign = this.#offersNative ? nativeNonce(keys.ownPublicKey, keys.peerPublicKey, crypto) : undefined;
    this.#maximumSizeFrame = encodeMaximumSize(maxMessageBytes, keys.records, sign);
    return { input: "client-key", output: [this.#maximumSizeFrame] };
  }

  #receiveConfirmation(input: ReceiveBuffer): HandshakeStep | undefined {
    const wanted = decodeConfirmation(input);
    if (wanted === undefined) return undefined;
    const native = wanted === "native" && this.#offersNative;
    const step = native ? this.#goOnNative() : this.#openClassic();
    wipeAgreement(this.#keys, native ? undefined : "classic");
    this.#keys = undefined;
    return step;
  }

  #goOnNative(): HandshakeStep {
    const native = agreeOnNative(
      "server",
      { keys: this.#keys, frame: this.#maximumSizeFrame },
      this.#options,
    );
    return { input: "native-confirmation", output: [], native };
  }

  #openClassic(): HandshakeStep {
    const { maxMessageBytes } = this.#options;
    const profile = new ClassicProfile({
      maxMessageBytes,
      peerMaxMessageBytes: Number.POSITIVE_INFINITY,
      records: this.#keys?.records,
    });
    if (!demandsNative(this.#options)) return { input: "confirmation", output: [], opened: { profile } };
    const refused = new PeerError(
      "ERR_PEER_NOT_NATIVE",
      "the client does not speak sealpipe's native profile, on which this server insists",
    );
    return { input: "confirmation", output: [], opened: { profile, refused } };
  }
}
