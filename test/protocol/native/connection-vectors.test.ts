import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { defaultEngineLimits } from "#dist/protocol/limits.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { featureBits, type Offers } from "#dist/protocol/native/wire/offers.js";
import type { ConsumedLane, TraceContext } from "#dist/protocol/session.js";
import { concat, hex, toHex, uint32 } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { streamOffers } from "../../support/stream-pair.ts";
import {
  type ConnectionStep,
  type NativeConnectionVector,
  nativeAdmin,
  nativeConnections,
  nativeContext,
  nativeStreams,
} from "../../support/vectors.ts";

type Role = "client" | "server";

const compact = (bytes: Uint8Array) => toHex(bytes).replaceAll(" ", "");

/** One side of a vector's session, through all of its connections. */
class Replay {
  readonly role: Role;
  readonly #vector: NativeConnectionVector;
  readonly #clock = new FakeClock();
  #engine: Engine | undefined;
  #session: NativeSession | undefined;
  #events: EngineEvent[] = [];
  readonly #items: { readonly id: number; readonly weight: number }[] = [];
  readonly #unconsumed: Record<ConsumedLane, number[]> = { messages: [], requests: [] };

  readonly #offers: Offers | undefined;

  constructor(vector: NativeConnectionVector, role: Role, offers?: Offers) {
    this.#vector = vector;
    this.#offers = offers;
    this.role = role;
  }

  run(): void {
    for (const connection of this.#vector.connections) {
      this.#connect(connection[`${this.role}PrivateKey`]);
      for (const [index, step] of connection.steps.entries()) {
        try {
          this.#take(step);
        } catch (error) {
          throw new Error(`step ${index} (${JSON.stringify(step).slice(0, 200)})`, { cause: error });
        }
      }
      this.#listen();
      assert.deepEqual(this.#events, [], "nothing else was heard");
      assert.equal(this.#written(), "", "nothing else was written");
    }
  }

  #connect(privateKey: string | undefined): void {
    const { encrypted, secret, resumable, sessionId, clientWindows } = this.#vector;
    const nonces = sessionId === undefined ? [] : [hex(sessionId)];
    const session = this.#session;
    this.#engine = new Engine({
      role: this.role,
      encryption: encrypted,
      secret: secret === undefined ? undefined : hex(secret),
      limits: defaultEngineLimits,
      clock: this.#clock,
      crypto: fixedCrypto({ privateKey: hex(privateKey ?? "01".repeat(48)), nonces }),
      native: {
        ...nativeDefaults,
        offers: this.#offers,
        resumable,
        ...(this.role === "client" && clientWindows && { windows: clientWindows }),
        ...(this.role === "client" && { session }),
      },
    });
  }

  #take(step: ConnectionStep): void {
    const engine = this.#engine as Engine;
    this.#listen();
    if (step.from === this.role) this.#says(engine, step);
    else if (step.from !== undefined) this.#isTold(engine, step);
    else if (step.at === this.role && step.does !== undefined) this.#does(engine, step);
    else if (step.at === this.role) for (let time = 0; time < (step.times ?? 1); time++) this.#hears(step);
  }

  #says(engine: Engine, step: ConnectionStep): void {
    if (step.part === "end") assert.equal(engine.outputEnded, true);
    else assert.equal(this.#written(), step.record ?? step.bytes);
  }

  #isTold(engine: Engine, { part, record, bytes, frame, times }: ConnectionStep): void {
    if (part === "end") engine.receiveEnd();
    else if (frame === undefined) engine.receive(hex(record ?? bytes ?? ""));
    else {
      const frames = concat(...Array<Uint8Array>(times ?? 0).fill(hex(frame)));
      engine.receive(concat(uint32(frames.length), frames));
    }
    this.#listen();
  }

  #does(engine: Engine, step: ConnectionStep): void {
    const session = this.#session as NativeSession;
    const { id = 0, type = 0, data = "", code = "", message = "", lane = "messages", ms = 0 } = step;
    const acts: Record<string, () => unknown> = {
      message: () => session.send(type, hex(data)),
      request: () => assert.equal(session.request(type, hex(data), contextOf(step)), id),
      "admin-request": () => assert.equal(session.admin(step.operation ?? 0, hex(data)), id),
      answer: () => session.answer(id, hex(data)),
      fail: () => session.fail(id, { code, message }),
      cancel: () => session.cancel(id),
      ...this.#streamActs(session, step),
      flush: () => session.askForAcknowledgement(),
      consume: () => session.consumed(lane, this.#unconsumed[lane].shift() as number),
      wait: () => {
        this.#clock.advance(ms);
        engine.handleTimeout(this.#clock.now());
      },
      close: () => engine.close(),
      cut: () => engine.receiveEnd(new Error("cut")),
    };
    const act = acts[step.does ?? ""];
    assert.ok(act, "a step that this test knows");
    act();
  }

  #streamActs(session: NativeSession, step: ConnectionStep): Record<string, () => unknown> {
    const { id = 0, type = 0, data = "", code = "", message = "", times = 1 } = step;
    return {
      "stream-open": () => assert.equal(session.streams.open(type, hex(data), contextOf(step)), id),
      item: () => session.streams.write(id, hex(data)),
      "stream-end": () => session.streams.end(id),
      "stream-reset": () => session.streams.reset(id, { code, message }),
      "stop-sending": () => session.streams.stopSending(id),
      "consume-item": () => {
        for (const item of this.#items.splice(0, times)) session.streams.consumed(item.id, item.weight);
      },
    };
  }

  #hears(step: ConnectionStep): void {
    const event = this.#events.shift();
    assert.ok(event !== undefined, "it heard nothing");
    assert.equal(event.kind, step.hears);
    if (event.kind === "closed") assert.equal(event.error?.code, step.code);
    if (event.kind === "open") assert.equal(event.native?.resumed, step.resumed);
    if ("id" in event) assert.equal(event.id, step.id);
    if ("type" in event) assert.equal(event.type, step.type);
    if ("operation" in event) assert.equal(event.operation, step.operation);
    if ("context" in event) assert.deepEqual(event.context, contextOf(step));
    if ("data" in event && event.data !== undefined) assert.equal(compact(event.data), step.data);
    if (event.kind === "failure" || event.kind === "stream-reset") {
      assert.equal(event.code, step.code);
      assert.equal(event.message, step.message);
    }
  }

  /** The next record or part: nothing is asked for that would come later. */
  #written(): string {
    const parts = this.#engine?.takeOutput() ?? [];
    this.#engine?.returnOutput();
    return compact(concat(...parts));
  }

  #listen(): void {
    for (let event = this.#engine?.nextEvent(); event !== undefined; event = this.#engine?.nextEvent()) {
      if (event.kind === "resume") {
        this.#engine?.resume(this.#session);
        continue;
      }
      this.#events.push(event);
      if (event.kind === "open") this.#session = event.native?.session;
      if (event.kind === "item") this.#items.push(event);
      if (event.kind === "message") this.#unconsumed.messages.push(event.position);
      if (event.kind === "request" || event.kind === "admin-request")
        this.#unconsumed.requests.push(event.position);
    }
  }
}

function contextOf({ traceparent, tracestate }: ConnectionStep): TraceContext | undefined {
  if (traceparent === undefined) return undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

describe("native-connections.json", () => {
  for (const vector of nativeConnections) {
    for (const role of vector.roles) {
      test(`is what a ${role} says and hears: ${vector.name}`, () => new Replay(vector, role).run());
    }
  }

  test("has connections of both modes, with a secret, resumed, refused and closed", () => {
    const has = (wanted: (vector: NativeConnectionVector) => boolean) =>
      assert.ok(nativeConnections.some(wanted));
    has(({ encrypted }) => encrypted);
    has(({ encrypted }) => !encrypted);
    has(({ secret }) => secret !== undefined);
    has(({ connections }) => connections.length > 1);
    for (const code of ["ERR_FRAME_INVALID", "ERR_WINDOW_EXCEEDED", "ERR_CONNECTION_LOST"]) {
      has(({ connections }) => connections.some(({ steps }) => steps.some((step) => step.code === code)));
    }
  });
});

const tracing = { ...streamOffers, features: featureBits.streams | featureBits.context | featureBits.admin };

for (const [file, vectors, offers] of [
  ["native-streams.json", nativeStreams, streamOffers],
  ["native-context.json", nativeContext, tracing],
  ["native-admin.json", nativeAdmin, tracing],
] as const) {
  describe(file, () => {
    for (const vector of vectors) {
      for (const role of vector.roles) {
        test(`is what a ${role} says and hears: ${vector.name}`, () =>
          new Replay(vector, role, offers).run());
      }
    }
  });
}
