// Parts of what the library does, in one process and without sockets: what docs/performance.md says of where the time goes.
// Run it with `npm run bench -- --parts`. Each figure is the median of rounds in which all take turns.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { nodeCrypto } from "../dist/crypto/node.js";
import { Engine } from "../dist/protocol/engine.js";
import { release } from "../dist/protocol/memory.js";
import type { Session } from "../dist/protocol/session.js";
import { median } from "./measure.ts";

const rounds = 15;

/** Does one thing some times; what comes of it is checked before anything is timed. */
interface Part {
  readonly name: string;
  readonly times: number;
  run(times: number): void;
}

function sealing(bytes: number, givesBack: boolean): Part {
  const aead = nodeCrypto.createAead(randomBytes(32));
  const plaintext = [randomBytes(bytes)];
  // Nothing is sent, so that a nonce that comes again does no harm.
  const nonce = randomBytes(12);
  const sealed = Buffer.concat(aead.seal(nonce, plaintext));
  assert.deepEqual(Buffer.from(aead.open(nonce, sealed) as Uint8Array), plaintext[0]);
  return {
    name: `seal ${bytes / 1_024} KiB, memory ${givesBack ? "given back" : "left to the garbage collector"}`,
    times: 2 ** 27 / bytes,
    run(times) {
      for (let time = 0; time < times; time++) {
        for (const part of aead.seal(nonce, plaintext)) if (givesBack) release(part);
      }
    },
  };
}

function roundTrip(bytes: number, encryption: boolean): Part {
  const [one, other] = openedPair(encryption);
  const data = randomBytes(bytes);
  const pass = (from: End, to: End): void => {
    from.session.send(1, data);
    for (const part of from.engine.takeOutput()) to.engine.receive(part);
    from.engine.takeOutput();
    let arrived = 0;
    for (let event = to.engine.nextEvent(); event !== undefined; event = to.engine.nextEvent()) {
      if (event.kind !== "message" || event.data.length !== bytes)
        throw new Error(`an event of kind ${event.kind}`);
      arrived += 1;
      to.session.consumed("messages", event.position);
    }
    if (arrived !== 1) throw new Error(`${arrived} messages arrived`);
  };
  return {
    name: `a round trip of ${bytes} B through an engine at each end, ${encryption ? "encrypted" : "plain"}`,
    times: 40_000,
    run(times) {
      for (let time = 0; time < times; time++) {
        pass(one, other);
        pass(other, one);
      }
    },
  };
}

/** One engine, and what is said by it. */
interface End {
  readonly engine: Engine;
  readonly session: Session;
}

/** A client's and a server's end on the native profile, once their handshake is over. */
function openedPair(encryption: boolean): [End, End] {
  const limits = {
    maxMessageBytes: 1_048_576,
    handshakeTimeoutMs: 60_000,
    frameTimeoutMs: 60_000,
    closeTimeoutMs: 60_000,
  };
  const native = {
    self: { pid: process.pid, library: "", application: "", applicationVersion: "" },
    windows: [1_048_576, 1_048_576, 1_048_576],
    keepaliveIntervalMs: 3_600_000,
    keepaliveTimeoutMs: 3_600_000,
    resumable: false,
  } as const;
  const clock = { now: () => performance.now() };
  const engine = (role: "client" | "server"): Engine =>
    new Engine({ role, encryption, limits, native, clock, crypto: nodeCrypto });
  const pair: [Engine, Engine] = [engine("server"), engine("client")];
  const sessions = new Map<Engine, Session>();
  while (sessions.size < 2) {
    for (const [from, to] of [pair, pair.toReversed()] as [Engine, Engine][]) {
      for (let parts = from.takeOutput(); parts.length > 0; parts = from.takeOutput()) {
        for (const part of parts) to.receive(Uint8Array.from(part));
      }
      for (let event = to.nextEvent(); event !== undefined; event = to.nextEvent()) {
        assert.ok(event.kind === "open" && event.profile === "native");
        sessions.set(to, event.session);
      }
    }
  }
  return pair.map((engine) => ({ engine, session: sessions.get(engine) })) as [End, End];
}

const parts = [
  ...[16_384, 65_536, 131_072].flatMap((bytes) => [sealing(bytes, false), sealing(bytes, true)]),
  ...[64, 1_024].flatMap((bytes) => [roundTrip(bytes, false), roundTrip(bytes, true)]),
];
const samples = parts.map((): number[] => []);
for (const part of parts) part.run(part.times);
for (let round = 0; round < rounds; round++) {
  for (const [index, part] of parts.entries()) {
    const begun = performance.now();
    part.run(part.times);
    (samples[index] as number[]).push(((performance.now() - begun) * 1_000) / part.times);
  }
}
for (const [index, { name }] of parts.entries()) {
  console.log(
    `${median(samples[index] as number[])
      .toFixed(2)
      .padStart(7)} µs  ${name}`,
  );
}
