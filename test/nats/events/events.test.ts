import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Client, type SealpipeError, startClient } from "sealpipe";
import { bind, contract, event } from "sealpipe/contract";
import { serveOverNats } from "sealpipe/nats";
import { z } from "zod";
import { EventSealer } from "#dist/nats/events/sealing.js";
import { schemaThat } from "../../support/contracts.ts";
import { freshName } from "../../support/names.ts";
import { callerOf, serveEvents } from "../../support/nats-contract.ts";
import { lacksNats, NatsServer, natsTo } from "../../support/nats-server.ts";
import { nextEvent, record, until } from "../../support/waiting.ts";

const news = contract("the news", {
  tick: event(1, z.number(), { fanOut: true }),
  tock: event(2, z.number(), { fanOut: true }),
  plain: event(4, z.number()),
});
type Listen = (listener: (value: unknown) => void) => unknown;

/** A caller of a contract that has ticks. */
interface Ticking {
  readonly on: { tick(listener: (value: unknown) => void): unknown };
}

const secret = "of these tests alone";
const options = { secret };

describe("events that are fanOut", { skip: lacksNats(), timeout: 120_000 }, () => {
  let natsServer: NatsServer;
  before(async () => {
    natsServer = await NatsServer.start();
  });
  after(() => natsServer.kill());

  async function pair(t: TestContext, given: object = options) {
    const name = freshName();
    const atServer = await natsTo(natsServer);
    const server = await serveEvents(t, news, { name, nats: atServer, options: given });
    const nats = await natsTo(natsServer);
    const app = await callerOf(t, news, { name, nats, options: given });
    await until(() => server.endpoint.connections.length === 1);
    return { name, atServer, server, nats, app, errors: record<SealpipeError>(app.endpoint, "error") };
  }

  const subjectOf = (name: string, member = "tick") =>
    `sealpipe.${name.replaceAll(".", "/")}.events.the%20news.${member}`;

  /** What a publisher of that name seals with the channel's secret. */
  function sealerOf(
    { name, app }: { name: string; app: { endpoint: Client } },
    topic = `${subjectOf(name)} 1 json`,
  ) {
    const key = app.endpoint.deriveKey("sealpipe events");
    const sealer = new EventSealer({ key, topic });
    const seal = (value: unknown, stamp = Date.now()) =>
      sealer.seal(Buffer.from(JSON.stringify(value)), stamp);
    return { seal, skip: () => sealer.skip() };
  }

  /** What it hears from now on, once NATS knows that it listens. */
  async function ticksOf(app: Ticking, nats: NatsConnection): Promise<number[]> {
    const list: number[] = [];
    app.on.tick((value) => list.push(value as number));
    await nats.flush();
    return list;
  }

  test("are published once, and reach the callers of every server of the name", async (t) => {
    const { name, server, app, nats } = await pair(t);
    const other = await serveEvents(t, news, { name, nats: await natsTo(natsServer), options });
    const heard = [await ticksOf(app, nats)];
    for (let more = 0; more < 8; more++) {
      const at = await natsTo(natsServer);
      heard.push(await ticksOf(await callerOf(t, news, { name, nats: at, options }), at));
    }
    await until(() => server.endpoint.connections.length + other.endpoint.connections.length === 9);
    assert.ok(server.endpoint.connections.length > 0 && other.endpoint.connections.length > 0);
    const spy = await natsTo(natsServer);
    const published: string[] = [];
    spy.subscribe("sealpipe.*.events.>", { callback: (_, { subject }) => void published.push(subject) });
    await spy.flush();
    server.emit.tick(1);
    await until(() => heard.every((list) => list.length === 1));
    other.emit.tick(2);
    await until(() => heard.every((list) => list.length === 2));
    assert.deepEqual(
      heard,
      heard.map(() => [1, 2]),
    );
    await spy.flush();
    assert.deepEqual(published, [subjectOf(name), subjectOf(name)]);
  });

  test("reach clients at the server's socket as other events do, and each client once", async (t) => {
    const name = freshName();
    const server = await serveEvents(t, news, {
      name,
      nats: await natsTo(natsServer),
      options: { secret, listen: true },
    });
    const nats = await natsTo(natsServer);
    const overNats = await ticksOf(await callerOf(t, news, { name, nats, options }), nats);
    const client = await startClient(name, { secret });
    t.after(() => client.close());
    const atSocket = await ticksOf(await bind(client, news), nats);
    await until(() => server.endpoint.connections.length === 2);
    for (const value of [1, 2, 3]) await server.emit.tick(value);
    await until(() => overNats.length >= 3 && atSocket.length >= 3);
    await Promise.all(server.endpoint.connections.map((connection) => connection.flush()));
    await nats.flush();
    assert.deepEqual(
      [overNats, atSocket],
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
    );
  });

  test("go to one caller alone by its connection", async (t) => {
    const ask = contract("asking", {
      tick: event(1, z.number(), { fanOut: true }),
      ask: event(2, z.number(), { direction: "from-caller" }),
    });
    const name = freshName();
    const server = await serveEvents(t, ask, { name, nats: await natsTo(natsServer), options });
    const nats = [await natsTo(natsServer), await natsTo(natsServer)] as const;
    const one = await callerOf(t, ask, { name, nats: nats[0], options });
    const other = await callerOf(t, ask, { name, nats: nats[1], options });
    server.on.ask((value, { connection }) => void connection.emit.tick(value));
    const heard = [await ticksOf(one, nats[0]), await ticksOf(other, nats[1])];
    await one.emit.ask(7);
    await until(() => heard[0]?.length === 1);
    server.emit.tick(8);
    await until(() => heard.every((list) => list.includes(8)));
    assert.deepEqual(heard, [[7, 8], [8]]);
  });

  test("show NATS only ciphertext, unless the channel has no secret", async (t) => {
    const words = contract("words", { said: event(1, z.string(), { fanOut: true }) });
    const spy = await natsTo(natsServer);
    const seen: string[] = [];
    spy.subscribe("sealpipe.*.events.>", {
      callback: (_, { data }) => void seen.push(Buffer.from(data).toString("latin1")),
    });
    await spy.flush();
    for (const given of [options, { authenticatedBy: "transport" } as const]) {
      const [name, atServer, nats] = [freshName(), await natsTo(natsServer), await natsTo(natsServer)];
      const server = await serveEvents(t, words, { name, nats: atServer, options: given });
      const app = await callerOf(t, words, { name, nats, options: given });
      const said = new Promise((resolve) => void app.on.said(resolve));
      await nats.flush();
      server.emit.said("a plain word");
      assert.equal(await said, "a plain word");
    }
    await spy.flush();
    assert.deepEqual(
      seen.map((text) => text.includes("a plain word")),
      [false, true],
    );
  });

  test("are dropped if forged, changed, cut, recorded, of another event or too old, which is reported once", async (t) => {
    const it = await pair(t);
    const { name, server, nats, app, errors } = it;
    const ticks = await ticksOf(app, nats);
    const attacker = await natsTo(natsServer);
    const recorded: Uint8Array[] = [];
    attacker.subscribe(subjectOf(name), {
      callback: (_, { data }) => void recorded.push(Uint8Array.from(data)),
    });
    await attacker.flush();
    for (const value of [1, 2]) server.emit.tick(value);
    await until(() => recorded.length === 2 && ticks.length === 2);
    const [first, second] = recorded as [Uint8Array, Uint8Array];
    const changed = Uint8Array.from(second);
    changed[40] = (changed[40] as number) ^ 1;
    const plain = Buffer.concat([Uint8Array.of(0), first.subarray(1, 33), Buffer.from("666")]);
    const { seal } = sealerOf(it);
    const old = seal(666, Date.now() - 130_000);
    const future = seal(666, Date.now() + 130_000);
    const tock = sealerOf(it, `${subjectOf(name, "tock")} 2 json`).seal(666);
    const otherCodec = sealerOf(it, `${subjectOf(name)} 1 cbor`).seal(666);
    const bad = [
      first,
      second,
      changed,
      second.subarray(0, 40),
      new Uint8Array(0),
      Buffer.alloc(1_000_000, 1),
    ];
    for (const data of [...bad, plain, old, future, tock, otherCodec])
      attacker.publish(subjectOf(name), data);
    await attacker.flush();
    server.emit.tick(3);
    await until(() => ticks.includes(3));
    assert.deepEqual(ticks, [1, 2, 3]);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_DECRYPTION_FAILED"],
    );
  });

  test("that are missing are reported, with their number, and those that come twice are not delivered again", async (t) => {
    const it = await pair(t);
    const { name, nats, app, errors } = it;
    const ticks = await ticksOf(app, nats);
    const { seal, skip } = sealerOf(it);
    const publisher = await natsTo(natsServer);
    const one = seal(1);
    skip();
    skip();
    for (const message of [one, seal(4), one, seal(5)]) publisher.publish(subjectOf(name), message);
    await until(() => ticks.length === 3);
    assert.deepEqual(ticks, [1, 4, 5]);
    assert.deepEqual(
      errors.map(({ code, message }) => `${code} ${message}`),
      ['ERR_EVENTS_LOST 2 events "tick" did not arrive'],
    );
  });

  test("that a server could not publish without NATS are missing at its callers, and not late", async (t) => {
    const { server, nats, app, errors } = await pair(t);
    const ticks = await ticksOf(app, nats);
    server.emit.tick(1);
    await until(() => ticks.length === 1);
    await natsServer.kill();
    await until(() => server.endpoint.connections[0]?.status === "reconnecting");
    server.emit.tick(2);
    server.emit.tick(3);
    await natsServer.start();
    await app.endpoint.connected();
    await nats.flush();
    const missing = until(() => errors.some(({ code }) => code === "ERR_EVENTS_LOST"));
    server.emit.tick(4);
    await missing;
    await until(() => ticks.length === 2);
    assert.deepEqual(ticks, [1, 4]);
    assert.ok(errors.some(({ message }) => message === '2 events "tick" did not arrive'));
  });

  test("are heard by a client of many without a warning, and by none that is closed", async (t) => {
    const warnings = record<Error>(process, "warning");
    const numbers = Array.from({ length: 13 }, (_, index) => index + 1);
    const many = contract(
      "many",
      Object.fromEntries(numbers.map((each) => [`event${each}`, event(each, z.number(), { fanOut: true })])),
    );
    const name = freshName();
    const { emit } = await serveEvents(t, many, { name, nats: await natsTo(natsServer), options });
    const [nats, other] = [await natsTo(natsServer), await natsTo(natsServer)];
    const { endpoint, on } = await callerOf(t, many, { name, nats, options });
    const heard: unknown[] = [];
    // All but the last.
    for (const listen of Object.values(on).slice(0, -1)) (listen as Listen)((value) => heard.push(value));
    await endpoint.close();
    (on["event13"] as Listen)((value) => heard.push(value));
    await nats.flush();
    const open = await callerOf(t, many, { name, nats: other, options });
    const came: unknown[] = [];
    (open.on["event13"] as Listen)((value) => came.push(value));
    await other.flush();
    (emit["event13"] as (value: number) => unknown)(7);
    await until(() => came.length === 1);
    // Whatever NATS has sent to the closed client's connection before its answer is there.
    await nats.flush();
    assert.deepEqual([warnings, came, heard], [[], [7], []]);
  });

  test("that do not fit the schema are dropped and reported", async (t) => {
    const { server, nats, app, errors } = await pair(t);
    const ticks = await ticksOf(app, nats);
    server.emit.tick("no number" as never);
    server.emit.tick(2);
    await until(() => ticks.length === 1);
    assert.deepEqual([ticks, errors.map(({ code }) => code)], [[2], ["ERR_INVALID_INPUT"]]);
  });

  test("wait for a slow schema up to a limit, and the others are reported as missing", async (t) => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = contract("slow", {
      tick: event(
        1,
        schemaThat(async (value) => gate.then(() => ({ value }))),
        { fanOut: true },
      ),
    });
    const [name, atServer, nats] = [freshName(), await natsTo(natsServer), await natsTo(natsServer)];
    const server = await serveEvents(t, slow, { name, nats: atServer, options });
    const app = await callerOf(t, slow, { name, nats, options });
    const errors = record<SealpipeError>(app.endpoint, "error");
    const ticks = await ticksOf(app, nats);
    for (let value = 0; value < 1_002; value++) await server.emit.tick(value);
    await until(() => errors.length === 2);
    open();
    await until(() => ticks.length === 1_000);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_EVENTS_LOST", "ERR_EVENTS_LOST"],
    );
    assert.deepEqual(
      ticks,
      Array.from({ length: 1_000 }, (_, value) => value),
    );
  });

  test("are asked of NATS only while somebody listens", async (t) => {
    const { atServer, server, nats, app } = await pair(t);
    const ticks: number[] = [];
    const stop = app.on.tick((value) => ticks.push(value));
    const other = app.on.tick(() => {});
    await nats.flush();
    server.emit.tick(1);
    await until(() => ticks.length === 1);
    stop();
    other();
    await nats.flush();
    server.emit.tick(2);
    // NATS has had it before somebody listens again.
    await atServer.flush();
    app.on.tick((value) => ticks.push(value));
    await nats.flush();
    server.emit.tick(3);
    await until(() => ticks.includes(3));
    assert.deepEqual(ticks, [1, 3]);
  });

  test("of a client that does not know that they are so are refused at connect, and at a socket they are not", async (t) => {
    const older = contract("the news", { tick: event(1, z.number()) });
    const { name, server } = await pair(t, options);
    await assert.rejects(callerOf(t, older, { name, nats: await natsTo(natsServer), options }), {
      code: "ERR_CONTRACT_MISMATCH",
      message: /tick: the implementer's is fanOut/,
    });
    const olderName = freshName();
    const olderServer = await serveEvents(t, older, {
      name: olderName,
      nats: await natsTo(natsServer),
      options,
    });
    const nats = await natsTo(natsServer);
    const ticks = await ticksOf(await callerOf(t, news, { name: olderName, nats, options }), nats);
    await until(() => olderServer.endpoint.connections.length === 1);
    olderServer.emit.tick(5);
    await until(() => ticks.length === 1);
    const atSocket = freshName();
    const withSocket = await serveEvents(t, news, {
      name: atSocket,
      nats: await natsTo(natsServer),
      options: { secret, listen: true },
    });
    const client = await startClient(atSocket, { secret });
    t.after(() => client.close());
    const olderTicks = await ticksOf(await bind(client, older), nats);
    await until(() => withSocket.endpoint.connections.length === 1);
    withSocket.emit.tick(6);
    await until(() => olderTicks.length === 1);
    assert.equal(server.endpoint.status, "listening");
  });

  test("that NATS does not take are rejected: too large, or its connection is closed", async (t) => {
    const large = contract("large", { said: event(1, z.string(), { fanOut: true }) });
    const nats = await natsTo(natsServer);
    const server = await serveEvents(t, large, { name: freshName(), nats, options });
    const told = nextEvent<[SealpipeError]>(server.endpoint, "error");
    await assert.rejects(async () => server.emit.said("x".repeat(1_048_576)), {
      code: "ERR_MESSAGE_TOO_LARGE",
    });
    assert.equal((await told)[0].code, "ERR_MESSAGE_TOO_LARGE");
    await nats.close();
    await assert.rejects(async () => server.emit.said("x"), { code: "ERR_EVENTS_UNAVAILABLE" });
  });

  test("are of one service: a server is reached by NATS once, with options that are known", async (t) => {
    const nats = await natsTo(natsServer);
    const server = await serveEvents(t, news, { name: freshName(), nats, options });
    assert.throws(() => serveOverNats(server.endpoint, nats), { code: "ERR_INVALID_ARGUMENT" });
    for (const wrong of [
      { replicas: 0 },
      { replicas: 6 },
      { replicas: "3" },
      { keepTimeoutMs: 1.5 },
      { more: 1 },
      [],
      null,
    ]) {
      assert.throws(() => serveOverNats(server.endpoint, nats, "other", wrong as never), {
        code: "ERR_INVALID_OPTION",
      });
    }
  });
});
