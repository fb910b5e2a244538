import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type ErrorCode, errorCodes } from "#dist/errors.js";
import { aeadTagBytes } from "#dist/protocol/crypto-provider.js";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { lengthBytes } from "#dist/protocol/length-prefix.js";
import { defaultEngineLimits } from "#dist/protocol/limits.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { featureBits, noOffers } from "#dist/protocol/native/wire/offers.js";
import type { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import type { TraceContext } from "#dist/protocol/session.js";
import { concat, hex } from "../support/bytes.ts";
import { nativeDefaults } from "../support/engine-probe.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fixedCrypto } from "../support/fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "../support/hand-made-peer.ts";
import { maxRecordWeight } from "../support/native-frames.ts";
import { bufferPushedTo } from "./driven-engine.ts";
import { NativePeer, type Role } from "./native-peer.ts";

export const maxMessageBytes = 100_000;
const [window] = nativeDefaults.windows;
/** A record of the smallest frames may reach behind the window: spec/protocol.md, "Lanes". */
const maxStreams = 3;
const streamWindow = 65_536;
/** What waits in a stream is less than a window and one item, and one body of the lane is under way. */
const maxKeptOfStreams = maxStreams * (streamWindow + maxMessageBytes + 1_024) + maxMessageBytes;
const maxKept = 9 * maxMessageBytes + window + maxRecordWeight + maxKeptOfStreams;
const maxHeld = lengthBytes + maxRecordBytes + aeadTagBytes - 1;
const limits = { ...defaultEngineLimits, maxMessageBytes };

function makeEngine(role: Role, encryption: boolean): Engine {
  const privateKey = role === "client" ? clientPrivateKey : serverPrivateKey;
  const crypto = fixedCrypto({ privateKey });
  const features =
    featureBits.streams | featureBits.context | featureBits["failure-data"] | featureBits.admin;
  const offers = { ...noOffers, features, maxConcurrentStreams: maxStreams, streamWindow };
  const native = { ...nativeDefaults, resumable: true, offers };
  return new Engine({ role, encryption, limits, crypto, clock: new FakeClock(), native });
}

function takeAll(engine: Engine): Uint8Array[] {
  const writes: Uint8Array[] = [];
  while (engine.nextEvent() !== undefined);
  for (let write = engine.takeOutput(); write.length > 0; write = engine.takeOutput())
    writes.push(concat(...write));
  return writes;
}

/** How an engine of that role comes to be open, and who speaks with it. */
export interface NativePath {
  readonly role: Role;
  readonly encrypted: boolean;
  /** What it hears up to the peer's hello, and that hello's record. */
  readonly handshake: Uint8Array;
  readonly hello: Uint8Array;
  readonly peer: NativePeer;
}

function pathOf(role: Role, encrypted: boolean): NativePath {
  const client = makeEngine("client", encrypted);
  const server = makeEngine("server", encrypted);
  const heard: Record<Role, Uint8Array> = { client: hex(""), server: hex("") };
  for (let round = 0; round < 4; round++) {
    for (const [from, to, toRole] of [
      [server, client, "client"],
      [client, server, "server"],
    ] as const) {
      const bytes = concat(...takeAll(from));
      heard[toRole] = concat(heard[toRole], bytes);
      to.receive(bytes);
    }
  }
  takeAll(client);
  assert.deepEqual([client.state, server.state], ["open", "open"]);
  const keyBytes = encrypted ? 97 : 0;
  const maximumSizeBytes = 4 + new DataView(heard.client.buffer).getUint32(2 + keyBytes);
  const maximumSize = heard.client.slice(2 + keyBytes, 2 + keyBytes + maximumSizeBytes);
  const helloAt = keyBytes + 2 + (role === "client" ? maximumSizeBytes : 0);
  const bytes = heard[role];
  return {
    role,
    encrypted,
    handshake: bytes.slice(0, helloAt),
    hello: bytes.slice(helloAt),
    peer: new NativePeer(role === "client" ? "server" : "client", encrypted ? maximumSize : undefined),
  };
}

export const nativePaths: readonly NativePath[] = (["client", "server"] as const).flatMap((role) =>
  [false, true].map((encrypted) => pathOf(role, encrypted)),
);

/** A native engine, and after all that happens to it a look at what must always hold. */
export class DrivenNative {
  readonly engine: Engine;
  readonly events: string[] = [];
  session: NativeSession | undefined;
  readonly #written: Uint8Array[] = [];
  #buffer: ReceiveBuffer | undefined;
  #closed = false;

  /** It has heard all but the peer's hello. */
  constructor({ role, encrypted, handshake }: NativePath) {
    this.engine = makeEngine(role, encrypted);
    this.receive(handshake);
    this.#take();
    this.#written.length = 0;
  }

  static open(path: NativePath): DrivenNative {
    const driven = new DrivenNative(path);
    driven.receive(path.hello);
    assert.deepEqual(driven.events, ["open"]);
    driven.#take();
    driven.events.length = 0;
    driven.#written.length = 0;
    return driven;
  }

  receive(chunk: Uint8Array): void {
    // The engine keeps what it is given; a target may say the same again.
    const buffer = bufferPushedTo(() => this.engine.receive(Uint8Array.from(chunk)));
    this.#buffer ??= buffer;
    this.#listen();
  }

  receiveAll(chunks: readonly Uint8Array[]): this {
    for (const chunk of chunks) this.receive(chunk);
    return this;
  }

  receiveEnd(): this {
    this.engine.receiveEnd();
    this.#listen();
    return this;
  }

  /** All that it said since it was made, or opened. */
  written(): Uint8Array {
    this.#take();
    return concat(...this.#written);
  }

  /** Everything that came out of it, as text that two engines can be compared by. */
  story(): string {
    return [...this.events, `written ${latin1(this.written())}`].join("\n");
  }

  #take(): void {
    this.#written.push(...takeAll(this.engine));
  }

  #listen(): void {
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) {
      assert.ok(!this.#closed, "an event comes after the end");
      if (event.kind === "resume") {
        this.engine.resume(undefined);
        continue;
      }
      this.#closed = event.kind === "closed";
      if (event.kind === "open") this.session = event.native?.session;
      this.events.push(textOf(event));
    }
    assert.equal(this.#closed, this.engine.state === "closed");
    const held = this.#buffer?.length ?? 0;
    assert.ok(held <= maxHeld, `${held} bytes are held`);
    const kept = this.session?.keptBytes ?? 0;
    assert.ok(kept <= maxKept, `${kept} bytes are kept`);
  }
}

function textOf(event: Exclude<EngineEvent, { kind: "resume" }>): string {
  switch (event.kind) {
    case "message":
      assert.ok(event.data.length <= maxMessageBytes && event.type > 0);
      return `message ${event.type} ${digestOf(event.data)}`;
    case "request":
      assert.ok(event.data.length <= maxMessageBytes && event.type > 0);
      return `request ${event.id} ${event.type} ${digestOf(event.data)} ${contextText(event)}`;
    case "admin-request":
      assert.ok(event.data.length <= 1_024);
      return `admin-request ${event.id} ${event.operation} ${digestOf(event.data)}`;
    case "answer":
      assert.ok(event.data.length <= maxMessageBytes);
      return `answer ${event.id} ${digestOf(event.data)}`;
    case "failure":
      assert.match(event.code, /^[A-Z0-9_]{1,64}$/);
      return `failure ${event.id} ${event.code} ${event.message} ${event.data && digestOf(event.data)}`;
    case "stream":
      assert.ok(event.data.length <= maxMessageBytes && event.type > 0);
      return `stream ${event.id} ${event.type} ${digestOf(event.data)} ${contextText(event)}`;
    case "item":
      assert.ok(event.data.length <= maxMessageBytes && event.weight >= event.data.length + 72);
      return `item ${event.id} ${digestOf(event.data)} ${event.weight}`;
    case "stream-reset":
      assert.match(event.code, /^[A-Z0-9_]{1,64}$/);
      return `stream-reset ${event.id} ${event.code} ${event.message}`;
    case "stream-end":
    case "stop-sending":
    case "stream-credit":
      return `${event.kind} ${event.id}`;
    case "cancel":
      return `cancel ${event.id}`;
    case "closed": {
      const { error } = event;
      if (error === undefined) return "closed";
      assert.equal(errorCodes[error.code as ErrorCode], "peer", `${error.code} is no fault of a peer's`);
      return `closed ${error.code}`;
    }
    default:
      return event.kind;
  }
}

function contextText({ context }: { readonly context: TraceContext | undefined }): string {
  if (context === undefined) return "";
  assert.match(context.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
  assert.match(context.tracestate ?? "", /^[ -~]{0,512}$/);
  return `${context.traceparent} ${context.tracestate ?? ""}`;
}

export function digestOf(data: Uint8Array): string {
  if (data.length <= 64) return latin1(data);
  return `${data.length} ${createHash("sha256").update(data).digest("base64")}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
