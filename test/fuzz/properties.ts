// What holds whatever a peer does, as properties of fast-check: `npm test` tries each some hundred times, and
// `npm run fuzz -- --minutes N` for as long as it is given.

import assert from "node:assert/strict";
import fc from "fast-check";
import { errorCodes } from "#dist/errors.js";
import { type State, transitions } from "#dist/protocol/states.js";
import { concat, flipBit, hex, pattern, uint32 } from "../support/bytes.ts";
import { byteAtATime, type Cutting, cutInto, whole } from "../support/cutting.ts";
import { clientPublicKey, frame, serverPublicKey, wireFor } from "../support/hand-made-peer.ts";
import { SessionProbe } from "../support/session-probe.ts";
import { clientHandshake, serverHandshake, waysInto } from "../support/session-states.ts";

type Call = "send" | "close" | "take" | "pass" | "end" | "hear";
const calls: readonly Call[] = ["send", "close", "take", "pass", "end", "hear", "hear", "hear"];

const states = Object.keys(transitions) as State[];
const chunkSizes = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
  fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 12 }),
);
const type = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }));
const dataSize = fc.oneof({ weight: 5, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(6_000) });
const messages = fc.array(fc.record({ type, size: dataSize }), { maxLength: 12 });
const role = fc.constantFrom("client" as const, "server" as const);

const documented = new Set(Object.keys(errorCodes).map((code) => `closed ${code}`));

/** Nonsense, and pieces of sense in the wrong place. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  { weight: 1, arbitrary: fc.nat(600).map(uint32) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 4, maxLength: 60 }).map((payload) => frame(payload)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      hex("00"),
      hex("02 00"),
      hex("02 01"),
      clientPublicKey,
      serverPublicKey,
      wireFor(true).message(5, hex("01")),
      wireFor(false).message(5, hex("01")),
      wireFor(true).maximumSize(10),
      wireFor(false).maximumSize(10),
    ),
  },
);

/** A property and how often `npm test` tries it. */
export interface Fuzzed {
  readonly title: string;
  readonly runs: number;
  readonly property: fc.IRawProperty<unknown>;
}

function fuzzed<T>(title: string, runs: number, property: fc.IRawProperty<T>): Fuzzed {
  return { title, runs, property: property as fc.IRawProperty<unknown> };
}

const cutting = fuzzed(
  "however the bytes are cut, the same events and the same answers come out",
  150,
  fc.property(role, fc.boolean(), messages, chunkSizes, fc.nat(30), (role, encrypted, list, sizes, cut) => {
    const wire = wireFor(encrypted);
    const frames = list.map(({ type, size }, index) => wire.message(type, pattern(size, index)));
    const handshake = role === "client" ? serverHandshake(encrypted) : clientHandshake(encrypted);
    const all = concat(handshake, ...frames);
    const bytes = all.subarray(0, all.length - Math.min(cut, all.length - handshake.length));
    const hear = (cutting: Cutting) => {
      const probe = new SessionProbe({ role, encryption: encrypted }).receive(bytes, cutting).end();
      return { events: probe.events, written: probe.written() };
    };
    const expected = hear(whole);
    assert.deepEqual(hear(byteAtATime), expected);
    assert.deepEqual(hear(cutInto(sizes)), expected);
    if (cut > 0) return;
    const types = list.map(({ type }) => type).filter((type) => type !== 0);
    assert.deepEqual(
      expected.events.slice(1, -1).map((event) => Number.parseInt(event.slice("message ".length), 10)),
      types,
    );
  }),
);

const changedBit = fuzzed(
  "one bit that was changed in a sealed frame's payload is noticed, and nothing is delivered",
  300,
  fc.property(dataSize, type, fc.nat(), chunkSizes, (size, type, where, sizes) => {
    const good = wireFor(true).message(type, pattern(size));
    const bit = 32 + (where % ((good.length - 4) * 8));
    const [way] = waysInto("open").filter(({ encrypted }) => encrypted);
    const probe = way?.enter().receive(flipBit(good, bit), cutInto(sizes));
    assert.deepEqual(probe?.events, ["closed ERR_DECRYPTION_FAILED"]);
  }),
);

const anyBytes = states.flatMap((state) =>
  waysInto(state).map((way) =>
    fuzzed(
      `whatever bytes a peer sends, a session in ${state} waits for more or ends with a documented code (${way.name})`,
      60,
      fc.property(fc.array(piece, { maxLength: 8 }), chunkSizes, (pieces, sizes) => {
        const probe = way.enter({ limits: { maxMessageBytes: 200 } });
        probe.receive(concat(...pieces), cutInto(sizes));
        checkEvents(probe);
        probe.end();
        checkEvents(probe);
        assert.equal(probe.state, "closed");
      }),
    ),
  ),
);

const anyCalls = fuzzed(
  "whatever is called in whatever order, a session throws nothing but what it says, and ends once",
  500,
  fc.property(
    role,
    fc.boolean(),
    fc.array(fc.constantFrom<Call>(...calls), { maxLength: 30 }),
    chunkSizes,
    checkCalls,
  ),
);

export const properties: readonly Fuzzed[] = [cutting, changedBit, ...anyBytes, anyCalls];

/** Messages and at most one end, which comes last and is there if and only if the session is closed. */
function checkEvents({ events, state }: SessionProbe): void {
  const ends = events.filter((event) => event.startsWith("closed"));
  assert.ok(ends.length <= 1);
  for (const end of ends) {
    assert.ok(end === "closed" || documented.has(end), end);
    assert.equal(events.at(-1), end);
    assert.equal(state, "closed");
  }
}

function checkCalls(role: "client" | "server", encrypted: boolean, list: Call[], sizes: number[]): void {
  const probe = new SessionProbe({ role, encryption: encrypted });
  const handshake = role === "client" ? serverHandshake(encrypted) : clientHandshake(encrypted);
  const bytes = concat(handshake, ...[1, 0, 2].map((type) => wireFor(encrypted).message(type, hex("0a"))));
  const coming = cutInto(sizes)(bytes);
  for (const call of list) {
    perform(call, probe, coming);
    assert.equal(probe.session.nextTimeout() !== undefined && probe.state === "closed", false);
  }
  const ends = probe.events.filter((event) => event.startsWith("closed"));
  assert.ok(ends.length <= 1);
  assert.equal(ends.length > 0, probe.state === "closed");
}

function perform(call: Call, probe: SessionProbe, coming: Uint8Array[]): void {
  switch (call) {
    case "send":
      if (probe.state === "open") probe.session.send(5, hex("01"));
      else assert.throws(() => probe.session.send(5, hex("01")), { fault: "caller" });
      return;
    case "close":
      probe.close();
      return;
    case "take":
      probe.takeWrites();
      return;
    case "pass":
      probe.pass(700);
      return;
    case "end":
      probe.end();
      return;
    case "hear":
      probe.receive(coming.shift() ?? hex(""));
  }
}
