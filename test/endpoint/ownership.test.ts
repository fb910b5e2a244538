import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { SystemError, startClient, startServer } from "sealpipe";
import { isEvent, startChild } from "../support/children.ts";
import { clientAt, freshServer, serverAt } from "../support/endpoints.ts";
import type { Line, LinesProcess } from "../support/lines-process.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { addressOf, RawPeer } from "../support/raw-peer.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 60_000;
const skip = process.platform === "win32" && "pipes have no owner of this kind";

function isOutcome({ event }: Line): boolean {
  return event === "listening" || event === "answered" || event === "failed";
}

/** A process of another user. What it leaves at `name` is removed after the test. */
async function startUser(t: TestContext, name: string, uid = otherUid): Promise<LinesProcess> {
  const user = startChild("user", String(uid));
  t.after(async () => {
    await user.kill();
    rmSync(addressOf(name), { force: true });
  });
  assert.equal((await user.until(isEvent("ready")))["uid"], uid);
  return user;
}

async function ask(user: LinesProcess, command: Line): Promise<Line> {
  user.command(command);
  return user.until(isOutcome);
}

function untrusted(error: unknown): boolean {
  assert.ok(error instanceof SystemError);
  assert.equal(error.code, "ERR_ADDRESS_UNTRUSTED");
  return true;
}

describe("another user", { skip: skip || notRoot(), timeout }, () => {
  test("cannot connect to our server, and can if it has unmaskPermissions", async (t) => {
    for (const unmaskPermissions of [false, true]) {
      const server = await freshServer(t, { unmaskPermissions });
      server.on("message", ({ type, text, connection }) => connection.write(type, `${text} yourself`));
      const user = await startUser(t, server.name);
      const outcome = await ask(user, {
        do: "connect",
        name: server.name,
        options: { connectTimeoutMs: 5_000 },
      });
      if (unmaskPermissions) {
        assert.equal(outcome["text"], "hello yourself");
      } else {
        assert.equal(outcome["code"], "ERR_CONNECT_FAILED");
        assert.match(String(outcome["message"]), /EACCES/);
      }
    }
  });

  test("can start a server under every umask, also without root's right to pass any mode", async (t) => {
    for (const mask of [0o000, 0o077, 0o300, 0o777]) {
      const name = freshName();
      const user = await startUser(t, name);
      user.command({ do: "umask", mask });
      const outcome = await ask(user, { do: "serve", name, options: {} });
      assert.equal(outcome["event"], "listening", String(outcome["message"]));
      assert.equal(lstatSync(addressOf(name)).mode & 0o7777, 0o600);
    }
  });

  test("can replace its own dead socket, whatever others put beside it", async (t) => {
    const name = freshName();
    const first = await startUser(t, name);
    assert.equal((await ask(first, { do: "serve", name, options: {} }))["event"], "listening");
    await first.kill();
    const before = lstatSync(addressOf(name)).ino;
    const beside = `${addressOf(name)}.lock`;
    mkdirSync(beside);
    t.after(() => rmSync(beside, { recursive: true }));
    const second = await startUser(t, name);
    assert.equal((await ask(second, { do: "serve", name, options: {} }))["event"], "listening");
    assert.notEqual(lstatSync(addressOf(name)).ino, before);
  });
});

describe("a socket of another user", { skip: skip || notRoot(), timeout }, () => {
  test("is refused before a byte is sent, even if it is root who asks", async (t) => {
    const name = freshName();
    const stranger = await startUser(t, name);
    await ask(stranger, { do: "listen", path: addressOf(name) });
    await assert.rejects(startClient(name), untrusted);
    const third = await startUser(t, name, 1);
    const outcome = await ask(third, { do: "connect", name, options: {} });
    assert.equal(outcome["code"], "ERR_ADDRESS_UNTRUSTED");

    // The first that it hears of is this one.
    const control = await RawPeer.connect(addressOf(name));
    control.send(Uint8Array.of(1, 2, 3));
    control.end();
    assert.equal((await stranger.until(isEvent("heard")))["bytes"], 3);
    control.destroy();
  });

  test("ends a client that finds it where its server was", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name);
    const stranger = await startUser(t, server.name);
    const failed = nextEvent<[SystemError]>(client, "error");
    await server.close();
    await ask(stranger, { do: "listen", path: addressOf(server.name) });
    untrusted((await failed)[0]);
    assert.equal(client.status, "error");
  });

  test("is used if it is trusted", async (t) => {
    const name = freshName();
    const user = await startUser(t, name);
    await ask(user, { do: "serve", name, options: { unmaskPermissions: true } });
    await assert.rejects(startClient(name, { trust: [1] }), untrusted);
    for (const trust of ["any", [otherUid]] as const) {
      const client = await clientAt(t, name, { trust });
      await client.write(1, "hello");
      assert.equal((await client.read()).text, "hello");
      await client.close();
    }
  });

  test("of root is accepted by another user", async (t) => {
    const server = await freshServer(t, { unmaskPermissions: true });
    server.on("message", ({ type, data, connection }) => connection.write(type, data));
    const user = await startUser(t, server.name);
    assert.equal((await ask(user, { do: "connect", name: server.name, options: {} }))["text"], "hello");
  });

  test("is not replaced, not even by root who could, alive or dead", async (t) => {
    const name = freshName();
    const user = await startUser(t, name);
    await ask(user, { do: "serve", name, options: {} });
    const before = lstatSync(addressOf(name)).ino;
    const refused = { code: "ERR_ADDRESS_IN_USE", message: /the socket there belongs to the user 65534/ };
    await assert.rejects(startServer(name), refused);
    await user.kill();
    await assert.rejects(startServer(name), refused);
    assert.equal(lstatSync(addressOf(name)).ino, before);
  });
});

describe("a directory of another user", { skip: skip || notRoot(), timeout }, () => {
  test("is refused to a server, which makes nothing there", async () => {
    const directory = freshDirectory();
    chownSync(directory, otherUid, otherUid);
    for (const unmaskPermissions of [false, true]) {
      await assert.rejects(startServer("my-app", { directory, unmaskPermissions }), untrusted);
    }
    assert.deepEqual(readdirSync(directory), []);
  });

  test("is left as it is by a server that has lost it, which says so and closes", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory });
    chownSync(directory, otherUid, otherUid);
    const failed = nextEvent<[SystemError]>(server, "error");
    await server.close();
    untrusted((await failed)[0]);
    assert.equal(server.status, "closed");
    assert.deepEqual(readdirSync(directory), ["my-app.sock"]);
  });
});

describe("a directory that others can write", { skip, timeout }, () => {
  function openDirectory(): string {
    const directory = join(freshDirectory(), "open");
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    return directory;
  }

  test("is refused to a server, which leaves nothing there", async () => {
    const directory = openDirectory();
    await assert.rejects(startServer("my-app", { directory }), untrusted);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("is refused to a client, whoever's socket lies there", async (t) => {
    const directory = openDirectory();
    chmodSync(directory, 0o755);
    const server = await serverAt(t, "my-app", { directory });
    chmodSync(directory, 0o777);
    await assert.rejects(startClient("my-app", { directory }), untrusted);
    const client = await clientAt(t, "my-app", { directory, trust: "any" });
    await client.write(1, "hello");
    assert.equal((await server.read()).text, "hello");
    chmodSync(directory, 0o755);
  });

  test("is safe again with the sticky bit", async (t) => {
    const directory = openDirectory();
    chmodSync(directory, 0o1777);
    await serverAt(t, "my-app", { directory });
    await clientAt(t, "my-app", { directory });
  });
});

describe("the user's runtime directory", { skip, timeout }, () => {
  const variable = process.platform === "darwin" ? "TMPDIR" : "XDG_RUNTIME_DIR";

  function setVariable(t: TestContext, path: string | undefined): void {
    const before = process.env[variable];
    t.after(() => setOrDelete(before));
    setOrDelete(path);
  }

  function setOrDelete(path: string | undefined): void {
    if (path === undefined) delete process.env[variable];
    else process.env[variable] = path;
  }

  test("is where both ends meet that ask for it", async (t) => {
    const directory = freshDirectory();
    setVariable(t, directory);
    const server = await serverAt(t, "my-app", { directory: "runtime" });
    assert.equal(server.address, join(directory, "my-app.sock"));
    const client = await clientAt(t, "my-app", { directory: "runtime" });
    await client.write(1, "hello");
    assert.equal((await server.read()).text, "hello");
  });

  test("is reported if there is none, and nothing else is used instead", async (t) => {
    const name = freshName();
    setVariable(t, undefined);
    for (const start of [startServer, startClient]) {
      await assert.rejects(start(name, { directory: "runtime" }), { code: "ERR_NO_RUNTIME_DIRECTORY" });
    }
    assert.equal(existsSync(addressOf(name)), false);
  });
});
