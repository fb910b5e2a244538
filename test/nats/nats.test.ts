import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, type TestContext, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  type Client,
  type ClientOptions,
  type Connection,
  createClient,
  type Server,
  startClient,
  startServer,
} from "sealpipe";
import { listNatsServers, type NatsService, natsTransport, serveOverNats } from "sealpipe/nats";
import { freshName } from "../support/names.ts";
import { lacksNats, NatsServer, natsTo } from "../support/nats-server.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const timeout = 120_000;
const secret = randomBytes(32);
const soon = { secret, retryDelayMs: 5, maxRetryDelayMs: 50 } as const;

describe("servers and clients over NATS", { skip: lacksNats(), timeout }, () => {
  let natsServer: NatsServer;
  before(async () => {
    natsServer = await NatsServer.start();
  });
  after(() => natsServer.kill());

  async function serve(
    t: TestContext,
    name: string,
    nats: NatsConnection,
  ): Promise<{ server: Server; service: NatsService }> {
    const server = await startServer(name, { listen: false, secret });
    t.after(() => {
      server.destroy();
      return server.close();
    });
    server.handle(1, ({ text }) => text.toUpperCase());
    return { server, service: serveOverNats(server, nats) };
  }

  async function clientOf(
    t: TestContext,
    name: string,
    nats: NatsConnection,
    options: ClientOptions = {},
  ): Promise<Client> {
    const client = await startClient(name, { ...soon, transport: natsTransport(nats, name), ...options });
    t.after(() => {
      client.destroy();
      return client.close();
    });
    return client;
  }

  test("exchange messages, requests, streams, small and large", async (t) => {
    const [atServer, atClient] = [await natsTo(natsServer), await natsTo(natsServer)];
    const { server } = await serve(t, freshName(), atServer);
    server.handleStream(2, async (stream) => {
      for await (const { text } of stream) await stream.write(`${text}!`);
    });
    const connected = nextEvent<[Connection]>(server, "connection");
    const client = await clientOf(t, server.name, atClient);
    client.handle(3, () => "the client's");
    const [connection] = await connected;
    assert.equal((await client.request(1, "hello")).text, "HELLO");
    assert.equal((await connection.request(3, "")).text, "the client's");
    const large = "x".repeat(3_000_000);
    await client.write(4, large);
    assert.equal((await server.read()).text, large);
    await connection.write(5, large);
    assert.equal((await client.read()).text, large);
    const stream = await client.openStream(2, "");
    await stream.write("item");
    stream.end();
    const items: string[] = [];
    for await (const { text } of stream) items.push(text);
    assert.deepEqual(items, ["item!"]);
    await client.close();
    await until(() => server.connections.length === 0);
  });

  test("show NATS only ciphertext", async (t) => {
    const nats = await natsTo(natsServer);
    const seen: Buffer[] = [];
    const spy = await natsTo(natsServer);
    spy.subscribe(">", { callback: (_, { data }) => void seen.push(Buffer.from(data)) });
    await spy.flush();
    const { server } = await serve(t, freshName(), nats);
    const client = await clientOf(t, server.name, nats);
    assert.equal((await client.request(1, "a plain word")).text, "A PLAIN WORD");
    await spy.flush();
    assert.ok(seen.length > 6);
    assert.ok(!Buffer.concat(seen).toString("latin1").toLowerCase().includes("a plain word"));
  });

  test("wait for a server that is not there yet, which is no news", async (t) => {
    const nats = await natsTo(natsServer);
    const name = freshName();
    const client = createClient(name, { ...soon, transport: natsTransport(nats, name) });
    t.after(() => client.close());
    const errors = record(client, "error");
    await nextEvent(client, "retrying");
    await serve(t, name, nats);
    await client.connected();
    assert.deepEqual(errors, []);
  });

  test("spread over all servers of a name, which can be listed and drained", async (t) => {
    const nats = await natsTo(natsServer);
    const name = freshName();
    const servers = await Promise.all([1, 2, 3].map(async () => serve(t, name, await natsTo(natsServer))));
    await Promise.all(Array.from({ length: 30 }, () => clientOf(t, name, nats)));
    const counts = servers.map(({ server }) => server.connections.length);
    assert.ok(
      counts.every((count) => count > 0),
      `${counts}`,
    );
    const listed = await listNatsServers(nats, name);
    assert.deepEqual(
      listed.map(({ instance, connections, pid }) => [instance, connections, pid]).sort(),
      servers.map(({ service, server }) => [service.instance, server.connections.length, process.pid]).sort(),
    );
    await servers[0]?.service.drain();
    await Promise.all(Array.from({ length: 10 }, () => clientOf(t, name, nats)));
    assert.equal(servers[0]?.server.connections.length, counts[0]);
    assert.equal((await listNatsServers(nats, name)).length, 2);
  });

  test("come back to the same server when the connection to NATS breaks, and nothing is lost", async (t) => {
    const name = freshName();
    const servers = await Promise.all([1, 2, 3].map(async () => serve(t, name, await natsTo(natsServer))));
    const nats = await natsTo(natsServer);
    const client = await clientOf(t, name, nats);
    const lost = record(client, "session-lost");
    const received: string[] = [];
    for (const { server } of servers) server.on("message", ({ text }) => received.push(text));
    for (let number = 0; number < 500; number++) {
      await client.write(2, `${number}`);
      if (number % 100 === 50 && number < 400) {
        const broken = nextEvent(client, "error");
        await nats.reconnect();
        await broken;
        if (number < 300) await client.connected();
      }
    }
    await client.flush();
    assert.deepEqual(
      received,
      Array.from({ length: 500 }, (_, number) => `${number}`),
    );
    assert.deepEqual(lost, []);
  });

  test("lose a session with its server, which is reported to the client, and go to another", async (t) => {
    const name = freshName();
    const nats = await natsTo(natsServer);
    const first = await serve(t, name, await natsTo(natsServer));
    const client = await clientOf(t, name, nats);
    const lost = nextEvent<[{ messages: readonly unknown[] }]>(client, "session-lost");
    first.server.on("message", () => {});
    await client.write(2, "read");
    await client.flush();
    await serve(t, name, await natsTo(natsServer));
    // As if its process were killed: nobody hears its subjects.
    first.service.stop();
    first.server.destroy();
    void client.request(4, "never answered").catch(() => {});
    await lost;
    assert.equal((await client.request(1, "the other")).text, "THE OTHER");
  });

  test("refuse a client without the secret", async (t) => {
    const nats = await natsTo(natsServer);
    const { server } = await serve(t, freshName(), nats);
    await assert.rejects(clientOf(t, server.name, nats, { secret: "another" }), {
      code: "ERR_AUTHENTICATION_FAILED",
    });
    assert.equal(server.connections.length, 0);
  });

  test("need a secret", async () => {
    const nats = await natsTo(natsServer);
    const server = await startServer(freshName(), { listen: false });
    assert.throws(() => serveOverNats(server, nats), { code: "ERR_SECRET_REQUIRED" });
    await server.close();
  });

  test("do not mind nonsense on their subjects", async (t) => {
    const nats = await natsTo(natsServer);
    const { server } = await serve(t, freshName(), nats);
    const client = await clientOf(t, server.name, nats);
    const base = `sealpipe.${server.name}`;
    const other = await natsTo(natsServer);
    // What a server would write to if whoever asks could say where.
    const elsewhere: unknown[] = [];
    other.subscribe("somewhere.else", { callback: (_, message) => void elsewhere.push(message) });
    for (const subject of [`${base}.open`, `${base}.who`]) {
      for (const payload of [
        "",
        "x",
        "somewhere.else",
        `${base}.to.>`,
        `${base}.to.a b`,
        "y".repeat(100_000),
      ]) {
        other.publish(subject, payload);
        other.publish(subject, payload, { reply: "nobody" });
      }
    }
    await other.flush();
    assert.equal((await client.request(1, "still")).text, "STILL");
    await other.flush();
    assert.deepEqual(elsewhere, []);
  });
});
