import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Client, PeerError, type SealpipeError, SystemError, startClient } from "sealpipe";
import { routeOf } from "#dist/endpoint/client/route.js";
import { parseClientOptions } from "#dist/endpoint/options/parse-options.js";
import {
  clientAt,
  clientOfRaw,
  connectedPair,
  freshServer,
  rawServer,
  serverAt,
} from "../../support/endpoints.ts";
import { plainWire } from "../../support/hand-made-peer.ts";
import { freshDirectory, freshName } from "../../support/names.ts";
import { accepted, addressOf, encryptedHello, openAsServer, plainHello } from "../../support/raw-peer.ts";
import { isSettled, nextEvent, record, until } from "../../support/waiting.ts";

const timeout = 60_000;
const unixOnly = process.platform === "win32" && "pipes have no directory";
const given = new Error("the user has gone");

describe("a client", { timeout }, () => {
  test("is connected once it is there", async (t) => {
    const { client, server } = await connectedPair(t);
    assert.equal(client.status, "connected");
    assert.equal(client.name, server.name);
    assert.equal(client.address, server.address);
    assert.equal(client.encrypted, true);
    assert.equal(client.profile, "native");
    // A pipe tells only later that the last of the handshake has left.
    await until(() => client.queuedBytes === 0);
  });

  test("that is not connected yet has what it insists on, and no more", () => {
    const name = freshName();
    const InternalClient = Client as unknown as new (...given: unknown[]) => Client;
    for (const encryption of [true, false]) {
      const options = parseClientOptions({ encryption });
      const client = new InternalClient(name, routeOf(name, options), options);
      assert.equal(client.status, "not-connected");
      assert.equal(client.encrypted, encryption);
      assert.equal(client.profile, "classic");
      assert.equal(client.queuedBytes, 0);
    }
  });

  test("refuses names and options that are not allowed", async () => {
    await assert.rejects(startClient("no/slashes"), { code: "ERR_INVALID_NAME" });
    await assert.rejects(startClient(freshName(), { connectTimeoutMs: -1 }), { code: "ERR_INVALID_OPTION" });
    await assert.rejects(startClient(freshName(), { unmaskPermissions: true } as object), {
      code: "ERR_INVALID_OPTION",
    });
  });

  test("waits for a server that comes later", async (t) => {
    const name = freshName();
    const connecting = clientAt(t, name);
    assert.equal(await isSettled(connecting), false);
    const server = await serverAt(t, name);
    const client = await connecting;
    await client.write(1, "at last");
    assert.equal((await server.read()).text, "at last");
  });

  test("gives up after connectTimeoutMs, with the last failure as the cause", async () => {
    const name = freshName();
    await assert.rejects(startClient(name, { connectTimeoutMs: 30, retryDelayMs: 5 }), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_CONNECT_TIMEOUT");
      assert.ok(error.message.includes(addressOf(name)), error.message);
      const cause = error.cause as SystemError;
      assert.equal(cause.code, "ERR_CONNECT_FAILED");
      assert.equal((cause.cause as NodeJS.ErrnoException).code, "ENOENT");
      return true;
    });
  });

  test("gives up with the signal's reason", async () => {
    const aborted = AbortSignal.abort(given);
    await assert.rejects(startClient(freshName(), { signal: aborted }), given);
    const controller = new AbortController();
    const connecting = startClient(freshName(), { signal: controller.signal });
    controller.abort(given);
    await assert.rejects(connecting, given);
  });

  test("gives up with what the signal gives as a reason, error or not", async () => {
    const connecting = startClient(freshName(), { signal: AbortSignal.abort("no error") });
    await assert.rejects(connecting, (reason) => reason === "no error");
  });

  test("does not mind the signal once it is connected", async (t) => {
    const server = await freshServer(t);
    const controller = new AbortController();
    const client = await clientAt(t, server.name, { signal: controller.signal });
    controller.abort(given);
    await client.write(1, "still here");
    assert.equal((await server.read()).text, "still here");
    assert.equal(client.status, "connected");
  });

  test("gives up at once if trying again makes no sense", { skip: unixOnly }, async () => {
    const directory = join(freshDirectory(), "file");
    writeFileSync(directory, "");
    await assert.rejects(startClient("my-app", { directory }), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_CONNECT_FAILED");
      assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOTDIR");
      return true;
    });
  });

  test("tries again if a server says nothing, and ends the first connection", async (t) => {
    const { name, raw } = await rawServer(t);
    const connecting = startClient(name, { handshakeTimeoutMs: 20, retryDelayMs: 5, encryption: false });
    const first = await raw.accept();
    assert.deepEqual(await first.receiveToEnd(), new Uint8Array(0));
    const second = await raw.accept();
    second.send(plainHello);
    assert.deepEqual(await second.receive(1), accepted);
    second.send(plainWire.maximumSize(100));
    const client = await connecting;
    assert.equal(client.status, "connected");
    client.destroy();
    await client.close();
  });

  test("tries again if the server hangs up in the handshake", async (t) => {
    const { name, raw } = await rawServer(t);
    const connecting = clientAt(t, name, { encryption: false });
    (await raw.accept()).destroy();
    const second = await raw.accept();
    second.send(plainHello);
    second.end();
    await openAsServer(await raw.accept());
    await connecting;
  });

  const fatal: [string, Uint8Array, string, Uint8Array][] = [
    ["has encryption off", plainHello, "ERR_ENCRYPTION_REQUIRED", Uint8Array.of(2)],
    ["speaks another version", Uint8Array.of(3, 1), "ERR_VERSION_MISMATCH", Uint8Array.of(1)],
    ["says what is no hello", Uint8Array.of(2, 9), "ERR_HANDSHAKE_INVALID", Uint8Array.of(3)],
  ];
  for (const [what, says, code, answer] of fatal) {
    test(`gives up on a server that ${what}, and says so to it`, async (t) => {
      const { name, raw } = await rawServer(t);
      const connecting = startClient(name);
      const rejected = assert.rejects(connecting, (error) => {
        assert.ok(error instanceof PeerError);
        assert.equal(error.code, code);
        return true;
      });
      const peer = await raw.accept();
      peer.send(says);
      assert.deepEqual(await peer.receiveToEnd(), answer);
      await rejected;
    });
  }

  test("gives up on a server whose key is none", async (t) => {
    const { name, raw } = await rawServer(t);
    const rejected = assert.rejects(startClient(name), { code: "ERR_INVALID_PUBLIC_KEY" });
    const peer = await raw.accept();
    peer.send(encryptedHello);
    assert.deepEqual(await peer.receive(1), accepted);
    peer.send(new Uint8Array(97).fill(4));
    assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
    await rejected;
  });

  test("does not insist on encryption if it is off", async (t) => {
    const server = await freshServer(t, { encryption: false });
    await assert.rejects(startClient(server.name), { code: "ERR_ENCRYPTION_REQUIRED" });
    const client = await clientAt(t, server.name, { encryption: false });
    assert.equal(client.encrypted, false);
  });

  test("writes no more than its server takes", async (t) => {
    const { client } = await connectedPair(t, { server: { maxMessageBytes: 10 } });
    assert.throws(() => client.write(1, "x".repeat(11)), { code: "ERR_TOO_LARGE_FOR_PEER" });
    await client.write(1, "x".repeat(10));
  });
});

describe("a client whose server fails it", { timeout }, () => {
  test("reports the error, and goes on with the next connection", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    const statuses = record<string>(client, "status");
    const failed = nextEvent<[SealpipeError]>(client, "error");
    const reading = client.read();
    peer.send(Uint8Array.of(0, 0, 0, 0));
    assert.equal((await failed)[0].code, "ERR_FRAME_TOO_SHORT");
    const next = await raw.accept();
    await openAsServer(next);
    next.send(plainWire.message(4, Buffer.from("again")));
    assert.equal((await reading).text, "again");
    assert.deepEqual(statuses, ["reconnecting", "connected"]);
  });

  test("reads what came before the fault", async (t) => {
    const { client, peer } = await clientOfRaw(t);
    peer.send(plainWire.message(4, Buffer.from("before")), Uint8Array.of(0, 0, 0, 0));
    await nextEvent(client, "error");
    assert.equal((await client.read()).text, "before");
  });

  test("reports, with a hint, a server that says nothing when it comes back", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t, { handshakeTimeoutMs: 400 });
    const errors: SealpipeError[] = record(client, "error");
    peer.end();
    const silent = await raw.accept();
    await silent.receiveToEnd();
    const next = await raw.accept();
    const [error] = errors as [SealpipeError];
    assert.equal(error.code, "ERR_HANDSHAKE_TIMEOUT");
    assert.match(error.message, /accepted the connection and said nothing.*golang-ipc server/);
    assert.equal(client.status, "reconnecting");
    const connected = nextEvent(client, "status");
    await openAsServer(next);
    assert.deepEqual(await connected, ["connected"]);
  });

  test("fails for good if it comes back as one that cannot be spoken with", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    const statuses = record<string>(client, "status");
    const errors = record<SealpipeError>(client, "error");
    const closed = nextEvent(client, "close");
    peer.send(plainWire.message(4, Buffer.from("before")));
    peer.end();
    (await raw.accept()).send(Uint8Array.of(3, 0));
    await closed;
    assert.deepEqual(statuses, ["reconnecting", "error"]);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_VERSION_MISMATCH"],
    );
    assert.throws(() => client.write(1, ""), { code: "ERR_CLOSED" });
    await assert.rejects(client.flush(), { code: "ERR_CLOSED" });
    assert.equal((await client.read()).text, "before");
    await assert.rejects(client.read(), { code: "ERR_VERSION_MISMATCH" });
    await client.close();
    assert.equal(client.status, "error");
  });

  test("harms nobody if no one listens for errors", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    peer.send(Uint8Array.of(0, 0, 0, 0));
    await openAsServer(await raw.accept());
    assert.equal(await isSettled(client.read()), false);
  });
});
