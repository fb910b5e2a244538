import assert from "node:assert/strict";
import fc from "fast-check";
import { SealpipeError } from "#dist/errors.js";
import { concat, pattern } from "../support/bytes.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { DrivenEngine, messageText } from "./driven-engine.ts";
import { type Damage, damage, damaged, dataBytes, messageType } from "./inputs.ts";
import { type Target, target } from "./target.ts";

/** One of two engines with the way to it between, and what has happened on it. */
interface Side {
  readonly engine: DrivenEngine;
  /** What the other has written and this has not received. */
  arriving: Uint8Array;
  readonly sent: string[];
  /** The end of the other's bytes has been told. */
  ended: boolean;
}

type Step =
  | { readonly do: "send"; readonly type: number; readonly bytes: number }
  | { readonly do: "deliver"; readonly bytes: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "close" | "end" | "listen" | "take" }
  | { readonly do: "damage"; readonly damage: Damage };

type Steps = readonly (readonly [side: number, step: Step])[];

const maxMessageBytes = 40_000;
const nothing = new Uint8Array(0);

const calm = [
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("send" as const), type: messageType, bytes: dataBytes }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("deliver" as const), bytes: fc.integer({ min: 1, max: 150 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "deliver" as const, bytes: 100_000 }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.constant({ do: "listen" as const }) },
];
const endings = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(7_000) }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: "close" as const }, { do: "end" as const }) },
];
const attacks = [{ weight: 3, arbitrary: fc.record({ do: fc.constant("damage" as const), damage }) }];

const whose = fc.nat(1);
const calmSteps: fc.Arbitrary<Steps> = fc.array(fc.tuple(whose, fc.oneof(...calm)), { maxLength: 24 });
const steps: fc.Arbitrary<Steps> = fc.array(fc.tuple(whose, fc.oneof(...calm, ...endings)), {
  maxLength: 24,
});
const attackedSteps: fc.Arbitrary<Steps> = fc.array(
  fc.tuple(whose, fc.oneof(...calm, ...endings, ...attacks)),
  { maxLength: 24 },
);

class Pair {
  readonly sides: readonly [Side, Side];
  readonly #clock = new FakeClock();

  constructor(encryption: boolean) {
    this.sides = [this.#makeSide("client", encryption), this.#makeSide("server", encryption)];
  }

  perform([who, step]: readonly [number, Step]): void {
    const side = this.sides[who] as Side;
    switch (step.do) {
      case "send":
        send(side, step.type, pattern(step.bytes, side.sent.length));
        return;
      case "deliver":
        this.#deliver(side, step.bytes);
        return;
      case "pass":
        this.#pass(step.ms);
        return;
      case "close":
        side.engine.close();
        return;
      case "end":
        side.ended = true;
        side.engine.receiveEnd();
        return;
      case "damage":
        side.arriving = damaged(side.arriving, [step.damage]);
        return;
      default:
        side.engine.listen();
    }
  }

  /** Lets everything arrive that is under way. */
  settle(): void {
    for (let round = 0, moved = true; moved; round++) {
      assert.ok(round < 20, "the two do not come to rest");
      moved = false;
      for (const side of this.sides) {
        const events = side.engine.events.length;
        this.#deliver(side, Number.POSITIVE_INFINITY);
        moved ||= side.engine.events.length > events || this.#isUnderWay();
      }
    }
  }

  /** Ends both, whatever they wait for. */
  finish(): void {
    for (const { engine } of this.sides) {
      engine.receiveEnd().passAll();
      engine.take();
      assert.equal(engine.state, "closed");
      assert.equal(engine.events.filter(({ kind }) => kind === "closed").length, 1);
    }
  }

  #makeSide(role: "client" | "server", encryption: boolean): Side {
    const limits = { maxMessageBytes };
    const engine = new DrivenEngine({ role, encryption, limits, clock: this.#clock });
    return { engine, arriving: nothing, sent: [], ended: false };
  }

  #isUnderWay(): boolean {
    return this.sides.some(({ engine, arriving }) => arriving.length > 0 || engine.engine.queuedBytes > 0);
  }

  #deliver(side: Side, bytes: number): void {
    const other = this.sides[0] === side ? this.sides[1] : this.sides[0];
    const written = other.engine.take();
    if (written.length > 0) side.arriving = concat(side.arriving, written);
    // Whoever has been told of the end hears no more.
    if (side.ended) side.arriving = nothing;
    if (side.ended) return;
    // The engine keeps a view, and what is still under way may be damaged.
    const chunk = side.arriving.slice(0, bytes);
    side.arriving = side.arriving.subarray(chunk.length);
    if (chunk.length > 0) side.engine.receive(chunk);
    if (side.arriving.length > 0 || !other.engine.engine.outputEnded) return;
    side.ended = true;
    side.engine.receiveEnd();
  }

  #pass(ms: number): void {
    this.#clock.advance(ms);
    for (const { engine } of this.sides) engine.pass(0);
  }
}

function send({ engine, sent }: Side, type: number, data: Uint8Array): void {
  try {
    if (engine.session === undefined) return;
    engine.session.send(type, data);
    sent.push(messageText(type, data));
  } catch (error) {
    assert.ok(error instanceof SealpipeError, String(error));
    switch (error.code) {
      case "ERR_RESERVED_TYPE":
        assert.equal(type, 0);
        return;
      default:
        assert.equal(error.code, "ERR_CLOSED");
    }
  }
}

function heard({ engine }: Side): string[] {
  return engine.events.flatMap((event) =>
    event.kind === "message" ? [messageText(event.type, event.data)] : [],
  );
}

const wires = [
  { name: "sealed", encryption: true },
  { name: "plain", encryption: false },
] as const;

function undisturbed({ name, encryption }: (typeof wires)[number]): Target {
  const title = `pair, ${name}: everything that is sent arrives, in order, however it is cut`;
  return target(title, 100, calmSteps, (list) => {
    const pair = new Pair(encryption);
    for (const step of list) pair.perform(step);
    pair.settle();
    const [client, server] = pair.sides;
    assert.deepEqual(heard(server), client.sent);
    assert.deepEqual(heard(client), server.sent);
    for (const { engine } of pair.sides) {
      assert.equal(engine.state, "open");
      assert.equal(engine.engine.nextTimeout(), undefined, "it waits, though no frame has begun");
    }
    pair.finish();
  });
}

function ending({ name, encryption }: (typeof wires)[number]): Target {
  const title = `pair, ${name}: whenever either closes, hangs up or waits, what arrived is the beginning of what was sent`;
  return target(title, 100, steps, (list) => {
    const pair = new Pair(encryption);
    for (const step of list) pair.perform(step);
    pair.settle();
    pair.finish();
    const [client, server] = pair.sides;
    assert.deepEqual(heard(server), client.sent.slice(0, heard(server).length));
    assert.deepEqual(heard(client), server.sent.slice(0, heard(client).length));
  });
}

/** The classic wire counts nothing, so a frame may be lost, repeated or moved; what is heard was said by the other all the same. */
function attacked({ name, encryption }: (typeof wires)[number]): Target {
  const title = encryption
    ? `pair, ${name}: whatever is done to the bytes on their way, nothing is heard that was not sent`
    : `pair, ${name}: whatever is done to the bytes on their way, both end with a documented code`;
  return target(title, 100, attackedSteps, (list) => {
    const pair = new Pair(encryption);
    for (const step of list) pair.perform(step);
    pair.settle();
    pair.finish();
    if (!encryption) return;
    const [client, server] = pair.sides;
    for (const message of heard(server)) assert.ok(client.sent.includes(message), "nobody sent that");
    for (const message of heard(client)) assert.ok(server.sent.includes(message), "nobody sent that");
  });
}

export const pairTargets: readonly Target[] = wires.flatMap((wire) => [
  undisturbed(wire),
  ending(wire),
  attacked(wire),
]);
