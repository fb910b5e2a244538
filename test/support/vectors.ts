import { readFileSync } from "node:fs";
import type { Positions, Windows } from "#dist/protocol/native/wire/lanes.js";
import type { Offers } from "#dist/protocol/native/wire/offers.js";

// The shared vectors as spec/protocol.md, "Vectors", has them. Bytes are hexadecimal.

export interface KeyPairs {
  readonly serverPrivateKey: string;
  readonly serverPublicKey: string;
  readonly clientPrivateKey: string;
  readonly clientPublicKey: string;
  readonly key: string;
}

export interface KeyAgreementVector extends KeyPairs {
  readonly name: string;
  readonly sharedSecret: string;
  readonly sharedSecretMinimal: string;
}

export interface HandshakeVector extends Partial<KeyPairs> {
  readonly name: string;
  readonly encrypted: boolean;
  readonly clientInsistsOnEncryption: boolean;
  readonly maxMessageBytes: number;
  /** Of the maximum-size frame. */
  readonly nonce?: string;
  readonly steps: readonly {
    readonly from: "server" | "client";
    readonly part: string;
    readonly bytes: string;
  }[];
  /** `open` or an error code. */
  readonly outcome: string;
  readonly outcomeAt: "both" | "server" | "client";
}

export interface TextVector {
  readonly name: string;
  readonly bytes: string;
  readonly codePoints: readonly number[];
  /** Whether the text is written as these bytes. */
  readonly valid: boolean;
}

export interface FrameVector {
  readonly name: string;
  readonly encrypted: boolean;
  readonly key?: string;
  readonly nonce?: string;
  readonly type: number;
  readonly data?: string;
  readonly frame?: string;
  readonly dataPattern?: { readonly bytes: number; readonly seed: number };
  readonly frameBytes?: number;
  readonly frameSha256?: string;
}

export interface BadFrameVector {
  readonly name: string;
  readonly encrypted: boolean;
  readonly key?: string;
  readonly maxMessageBytes: number;
  readonly bytes: string;
  /** An error code, or `dropped`. */
  readonly outcome: string;
}

export interface NativeKeyVector {
  readonly name: string;
  readonly serverPrivateKey: string;
  readonly serverPublicKey: string;
  readonly clientPrivateKey: string;
  readonly clientPublicKey: string;
  readonly sharedSecret: string;
  readonly secret?: string;
  readonly maxMessageBytes: number;
  readonly nonce: string;
  readonly maximumSizeFrame: string;
  readonly transcript: string;
  readonly early: string;
  readonly master: string;
  readonly resumptionKey: string;
  readonly client: NativeDirection;
  readonly server: NativeDirection;
  readonly proofs: readonly {
    readonly side: "client" | "server";
    readonly sessionId: string;
    readonly received: Positions;
    readonly proof: string;
  }[];
}

export interface NativeDirection {
  readonly secrets: readonly string[];
  readonly keys: readonly string[];
  readonly ivs: readonly string[];
}

export interface NativeRecordVector {
  readonly name: string;
  readonly trafficSecret?: string;
  readonly recordsPerKey: number;
  readonly records: readonly {
    readonly number: number;
    readonly frames?: string;
    readonly framesPattern?: { readonly bytes: number; readonly seed: number };
    readonly record?: string;
    readonly recordBytes?: number;
    readonly recordSha256?: string;
  }[];
  readonly refused?: readonly {
    readonly name: string;
    readonly numbers: readonly number[];
    readonly outcome: string;
  }[];
}

export interface NativeHelloVector {
  readonly name: string;
  readonly from: "client" | "server";
  readonly hello?: {
    readonly maxMessageBytes: number;
    readonly windows: Windows;
    readonly pid: number;
    readonly library: string;
    readonly application: string;
    readonly applicationVersion: string;
    readonly session: "none" | "new" | "resume" | "resumed" | "refused";
    readonly sessionId?: string;
    readonly received?: Positions;
    readonly proof?: string;
    readonly code?: string;
    readonly message?: string;
    readonly offers?: Omit<Offers, "contracts"> & {
      readonly contracts: readonly {
        readonly name: string;
        readonly version: string;
        readonly hash: string;
      }[];
    };
  };
  readonly frame?: string;
  readonly body?: string;
  readonly outcome?: string;
}

export interface NativeFrameVector {
  readonly name: string;
  /** What the receiver has sent. */
  readonly before?: readonly Saying[];
  readonly frames?: readonly {
    readonly head: string;
    readonly tailPattern?: { readonly bytes: number; readonly seed: number };
    /** Where in the pattern it begins. */
    readonly tailStart?: number;
  }[];
  readonly record?: string;
  readonly read?: "only";
  readonly says?: Saying;
  readonly outcome?: string;
}

/** A kind of frame with its fields, or what large ones come to. */
export interface Saying {
  readonly kind: string;
  readonly id?: number;
  readonly type?: number;
  readonly data?: string;
  readonly dataPattern?: { readonly bytes: number; readonly seed: number };
  readonly code?: string;
  readonly message?: string;
  readonly token?: number;
  readonly taken?: Positions;
}

function read<T>(file: string): readonly T[] {
  const url = new URL(`../../../spec/vectors/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")).vectors;
}

export const keyAgreements = read<KeyAgreementVector>("key-agreement.json");
export const handshakes = read<HandshakeVector>("handshakes.json");
export const frames = read<FrameVector>("frames.json");
export const badFrames = read<BadFrameVector>("bad-frames.json");
export const texts = read<TextVector>("text.json");
export const nativeKeys = read<NativeKeyVector>("native-key-schedule.json");
export const nativeRecords = read<NativeRecordVector>("native-records.json");
export const nativeHellos = read<NativeHelloVector>("native-hello.json");
/** Hellos with offers, and those that refuse. */
export const nativeFeatures = read<NativeHelloVector>("native-features.json");
export const nativeFrames = read<NativeFrameVector>("native-frames.json");

export interface FeatureFrameVector {
  readonly name: string;
  readonly feature: "failure-data";
  readonly frame: string;
  readonly says?: {
    readonly id: number;
    readonly code: string;
    readonly message: string;
    readonly data: string;
  };
  readonly outcome?: string;
}

export const nativeFeatureFrames = read<FeatureFrameVector>("native-feature-frames.json");

/** One of three kinds: bytes of a side, what an application does there, or what it hears there. */
export interface ConnectionStep {
  readonly from?: "client" | "server";
  readonly part?: string;
  readonly bytes?: string;
  readonly frames?: string;
  readonly record?: string;
  readonly frame?: string;
  readonly at?: "client" | "server";
  readonly does?: string;
  readonly hears?: string;
  readonly times?: number;
  readonly id?: number;
  readonly type?: number;
  readonly data?: string;
  readonly code?: string;
  readonly message?: string;
  readonly lane?: "messages" | "requests";
  readonly ms?: number;
  readonly resumed?: boolean;
  readonly operation?: number;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface NativeConnectionVector {
  readonly name: string;
  readonly roles: readonly ("client" | "server")[];
  readonly encrypted: boolean;
  readonly secret?: string;
  readonly resumable: boolean;
  readonly sessionId?: string;
  readonly clientWindows?: Windows;
  readonly connections: readonly {
    readonly serverPrivateKey?: string;
    readonly clientPrivateKey?: string;
    readonly steps: readonly ConnectionStep[];
  }[];
}

export const nativeConnections = read<NativeConnectionVector>("native-connections.json");
export const nativeStreams = read<NativeConnectionVector>("native-streams.json");
export const nativeContext = read<NativeConnectionVector>("native-context.json");
export const nativeAdmin = read<NativeConnectionVector>("native-admin.json");

export interface PrivateDirectoryVector {
  readonly name: string;
  /** Modes are octal. */
  readonly in: string;
  readonly found?: {
    readonly kind: "directory" | "link" | "dangling-link" | "file" | "fifo" | "socket";
    readonly owner: "self" | "other";
    readonly mode: string;
  };
  readonly outcome: "made" | "used" | "refused";
  readonly says?: string;
  readonly mode?: string;
}

export const privateDirectories = read<PrivateDirectoryVector>("private-directory.json");
