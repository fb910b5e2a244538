import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { SealpipeError } from "sealpipe";
import { contract, event } from "sealpipe/contract";
import { z } from "zod";
import { EventSealer } from "#dist/nats/events/sealing.js";
import { streamOf } from "#dist/nats/events/stream-name.js";
import { schemaThat } from "../../support/contracts.ts";
import { freshName } from "../../support/names.ts";
import { callerOf, serveEvents, storeDirectory } from "../../support/nats-contract.ts";
import { lacksNats, NatsServer, natsTo } from "../../support/nats-server.ts";
import { record, until } from "../../support/waiting.ts";

const market = contract("market", {
  price: event(1, z.number(), { durable: { maxEvents: 5 } }),
  log: event(2, z.number(), { durable: true }),
  said: event(3, z.string(), { durable: { maxEvents: 1_000, maxAgeMs: 3_600_000 } }),
});
const options = { secret: "of these tests alone" };

/** Whoever hears numbers, in a list that grows. */
function heard<T>(on: (listener: (value: T) => unknown) => unknown): T[] {
  const list: T[] = [];
  on((value) => list.push(value));
  return list;
}

const subjectOf = (name: string, member: string) =>
  `sealpipe.${name.replaceAll(".", "/")}.kept.market.${member}`;

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("events that are durable", { skip: lacksNats(), timeout: 120_000 }, () => {
  let natsServer: NatsServer;
  before(async () => {
    natsServer = await NatsServer.start("--jetstream", "--store_dir", storeDirectory());
  });
  after(() => natsServer.kill());

  async function serveMarket(t: TestContext, name = freshName()) {
    const nats = await natsTo(natsServer);
    return { name, nats, server: await serveEvents(t, market, { name, nats, options }) };
  }

  async function caller(t: TestContext, name: string) {
    const app = await callerOf(t, market, { name, nats: await natsTo(natsServer), options });
    return { app, errors: record<SealpipeError>(app.endpoint, "error") };
  }

  test("give a late comer the last, and everybody all that follow, in their order", async (t) => {
    const { name, server } = await serveMarket(t);
    const early = heard((await caller(t, name)).app.on.price);
    for (const value of numbers(1, 3)) await server.emit.price(value);
    const late = heard((await caller(t, name)).app.on.price);
    await until(() => late.length === 1 && early.length === 3);
    await server.emit.price(4);
    await until(() => late.length === 2 && early.length === 4);
    assert.deepEqual([early, late], [numbers(1, 4), [3, 4]]);
  });

  test("are kept when no caller is there, and when the server has gone", async (t) => {
    const { name, server } = await serveMarket(t);
    for (const value of numbers(1, 3)) await server.emit.log(value);
    await server.close();
    await serveMarket(t, name);
    const list = heard((await caller(t, name)).app.on.log);
    await until(() => list.length === 1);
    assert.deepEqual(list, [3]);
  });

  test("of several servers at once are all kept, and come to all callers in one order", async (t) => {
    const one = await serveMarket(t);
    const other = await serveMarket(t, one.name);
    const apps = [await caller(t, one.name), await caller(t, one.name)];
    const lists = apps.map(({ app }) => heard(app.on.log));
    const emits = numbers(1, 40).flatMap((value) => [
      one.server.emit.log(value),
      other.server.emit.log(1_000 + value),
    ]);
    await Promise.all(emits);
    await until(() => lists.every((list) => list.length === 80));
    assert.deepEqual(lists[0], lists[1]);
    const of = (from: number) => lists[0]?.filter((value) => value > from && value < from + 1_000);
    assert.deepEqual(of(0), numbers(1, 40));
    assert.deepEqual(of(1_000), numbers(1_001, 1_040));
  });

  test("come to a caller that was away, once each", async (t) => {
    const { name, server } = await serveMarket(t);
    const nats = await natsTo(natsServer);
    const app = await callerOf(t, market, { name, nats, options });
    const list = heard(app.on.log);
    for (const value of numbers(1, 300)) {
      await server.emit.log(value);
      if (value % 100 === 50) await nats.reconnect();
    }
    await until(() => list.length >= 300);
    assert.deepEqual(list, numbers(1, 300));
  });

  test("that JetStream has dropped before they were received are reported as missing, with their number", async (t) => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const few = contract("market", {
      price: event(
        1,
        schemaThat<number>((value) => gate.then(() => ({ value: value as number }))),
        {
          durable: { maxEvents: 5 },
        },
      ),
    });
    const name = freshName();
    const server = await serveEvents(t, few, { name, nats: await natsTo(natsServer), options });
    const app = await callerOf(t, few, { name, nats: await natsTo(natsServer), options });
    const errors = record<SealpipeError>(app.endpoint, "error");
    const list = heard(app.on.price);
    for (const value of numbers(1, 300)) await server.emit.price(value);
    open();
    await until(() => list.at(-1) === 300);
    const lost = errors.map(({ code, message }) => {
      assert.equal(code, "ERR_EVENTS_LOST");
      return Number(/^(\d+) events? /.exec(message.replace("an event", "1 event"))?.[1]);
    });
    assert.equal(list.length + lost.reduce((sum, count) => sum + count, 0), 300);
    assert.ok(lost.length > 0 && list.slice(-5).join() === "296,297,298,299,300");
    assert.ok(list.every((value, index) => index === 0 || value > (list[index - 1] as number)));
  });

  test("show NATS only ciphertext, and are kept as their contract says", async (t) => {
    const { name, nats, server } = await serveMarket(t);
    await server.emit.said("a plain word");
    await server.emit.price(1);
    const manager = await jetstreamManager(nats as never);
    const stream = streamOf(subjectOf(name, "said"));
    const kept = await manager.streams.getMessage(stream, { seq: 1 });
    assert.ok(kept !== null && kept.data.length > 33);
    assert.ok(!Buffer.from(kept.data).toString("latin1").includes("plain"));
    const { config } = await manager.streams.info(stream);
    assert.deepEqual(
      [config.subjects, config.max_msgs, config.max_age, config.discard, config.storage],
      [[subjectOf(name, "said")], 1_000, 3_600_000_000_000, "old", "file"],
    );
    assert.equal((await manager.streams.info(streamOf(subjectOf(name, "price")))).config.max_msgs, 5);
  });

  test("that somebody without the secret puts there, or puts there again, are not delivered, and are reported once", async (t) => {
    const { name, nats, server } = await serveMarket(t);
    const { app, errors } = await caller(t, name);
    const list = heard(app.on.log);
    for (const value of numbers(1, 3)) await server.emit.log(value);
    await until(() => list.length === 3);
    const manager = await jetstreamManager(nats as never);
    const first = await manager.streams.getMessage(streamOf(subjectOf(name, "log")), { seq: 1 });
    assert.ok(first !== null);
    const attacker = await natsTo(natsServer);
    const key = app.endpoint.deriveKey("sealpipe events");
    const sealer = new EventSealer({ key, topic: `${subjectOf(name, "price")} 1 json` });
    const bad = [
      first.data,
      first.data.subarray(0, 40),
      new Uint8Array(0),
      sealer.seal(Buffer.from("666"), 7),
    ];
    for (const data of bad) await attacker.request(subjectOf(name, "log"), data);
    // It finds its place after what was put between.
    await server.emit.log(4);
    await until(() => list.length === 4);
    assert.deepEqual(list, numbers(1, 4));
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_DECRYPTION_FAILED"],
    );
    // The first is not taken for the last.
    await attacker.request(subjectOf(name, "log"), first.data);
    const late = await caller(t, name);
    const lateList = heard(late.app.on.log);
    await until(() => late.errors.length === 1);
    await server.emit.log(5);
    await until(() => lateList.length === 1);
    assert.deepEqual(lateList, [5]);
  });

  test("of a stream that was deleted begin again, which is reported", async (t) => {
    const { name, nats, server } = await serveMarket(t);
    const { app, errors } = await caller(t, name);
    const list = heard(app.on.log);
    for (const value of numbers(1, 3)) await server.emit.log(value);
    await until(() => list.length === 3);
    const manager = await jetstreamManager(nats as never);
    await manager.streams.delete(streamOf(subjectOf(name, "log")));
    await server.emit.log(4);
    await until(() => list.length === 4);
    assert.deepEqual(list, numbers(1, 4));
    await until(() => errors.some(({ code }) => code === "ERR_EVENTS_LOST"));
  });
});

describe("events that are durable, if JetStream cannot keep them", {
  skip: lacksNats(),
  timeout: 60_000,
}, () => {
  test("are rejected at the server and reported at the client, if JetStream is disabled", async (t) => {
    const natsServer = await NatsServer.start();
    t.after(() => natsServer.kill());
    const name = freshName();
    const server = await serveEvents(t, market, {
      name,
      nats: await natsTo(natsServer),
      options,
      service: { keepTimeoutMs: 200 },
    });
    const told = record<SealpipeError>(server.endpoint, "error");
    const app = await callerOf(t, market, { name, nats: await natsTo(natsServer), options });
    const errors = record<SealpipeError>(app.endpoint, "error");
    heard(app.on.price);
    const message = /JetStream is not enabled/;
    await assert.rejects(async () => server.emit.price(1), { code: "ERR_EVENTS_UNAVAILABLE", message });
    await until(() => errors.length === 1 && told.length === 1);
    assert.match(errors[0]?.message ?? "", message);
    assert.equal(errors[0]?.code, "ERR_EVENTS_UNAVAILABLE");
    app.endpoint.destroy();
    await server.close();
  });

  test("are rejected if its storage is full, and the next is kept once there is room", async (t) => {
    const directory = storeDirectory();
    const config = join(directory, "nats.conf");
    writeFileSync(config, `jetstream { store_dir: "${directory}", max_file_store: 1MB }\n`);
    const natsServer = await NatsServer.start("--config", config);
    t.after(() => natsServer.kill());
    const nats = await natsTo(natsServer);
    const name = freshName();
    const server = await serveEvents(t, market, { name, nats, options, service: { keepTimeoutMs: 500 } });
    server.endpoint.on("error", () => {});
    const large = "x".repeat(200_000);
    let kept = 0;
    const fill = async (): Promise<void> => {
      for (; kept < 100; kept++) await server.emit.said(large);
    };
    await assert.rejects(fill(), { code: "ERR_EVENTS_UNAVAILABLE" });
    assert.ok(kept > 0 && kept < 100);
    const manager = await jetstreamManager(nats as never);
    await manager.streams.purge(streamOf(subjectOf(name, "said")));
    await server.emit.said("kept");
    const app = await callerOf(t, market, { name, nats: await natsTo(natsServer), options });
    const list = heard(app.on.said);
    await until(() => list.length === 1);
    assert.deepEqual(list, ["kept"]);
    app.endpoint.destroy();
    await server.close();
  });
});

describe("events over a cluster of NATS whose nodes are killed", {
  skip: lacksNats(),
  timeout: 120_000,
}, () => {
  test("that are durable are kept, and heard once each, in their order, and the last by a late comer", async (t) => {
    const directory = storeDirectory();
    const nodes = await NatsServer.cluster(3, {
      args: (index) => [
        "--server_name",
        `n${index}`,
        "--jetstream",
        "--store_dir",
        join(directory, `${index}`),
      ],
    });
    t.after(() => Promise.all(nodes.map((node) => node.kill())));
    const name = freshName();
    const service = { replicas: 3, keepTimeoutMs: 60_000 };
    const server = await serveEvents(t, market, { name, nats: await natsTo(nodes), options, service });
    server.endpoint.on("error", () => {});
    const app = await callerOf(t, market, { name, nats: await natsTo([...nodes].reverse()), options });
    app.endpoint.on("error", () => {});
    const list = heard(app.on.log);
    const count = 100;
    const nats = await natsTo(nodes);
    let killed: NatsServer | undefined;
    for (const value of numbers(1, count)) {
      if (value === 30) {
        // The node that has to be replaced before anything more is kept.
        const manager = await jetstreamManager(nats as never);
        const { cluster } = await manager.streams.info(streamOf(subjectOf(name, "log")));
        killed = nodes[Number(cluster?.leader?.slice(1))];
        assert.ok(killed !== undefined);
        await killed.kill();
      }
      if (value === 60) await killed?.start();
      await server.emit.log(value);
    }
    await until(() => list.length >= count);
    assert.deepEqual(list, numbers(1, count));
    const late = await callerOf(t, market, { name, nats: await natsTo(nodes), options });
    const lateList = heard(late.on.log);
    await until(() => lateList.length === 1);
    assert.deepEqual(lateList, [count]);
    for (const each of [app, late]) each.endpoint.destroy();
    await server.close();
  });
});
