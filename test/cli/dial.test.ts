import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { dial, startClient, startServer } from "sealpipe";
import { freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { addressOf, RawServer } from "../support/raw-peer.ts";
import { endOf, runSealpipe, sealpipeProgram, startSealpipe } from "../support/sealpipe-program.ts";

const timeout = 60_000;

describe("sealpipe dial", { timeout }, () => {
  test("joins a client elsewhere with a server", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const via = [process.execPath, sealpipeProgram, "dial", server.name];
    await using client = await startClient("my-app", { via, authenticatedBy: "transport" });
    assert.equal((await client.request(1, "hello")).text, "HELLO");
  });

  test("passes on what comes, and ends when the server does", async (t) => {
    const name = freshName();
    const raw = await RawServer.listen(addressOf(name));
    t.after(() => raw[Symbol.asyncDispose]());
    const child = startSealpipe(["dial", name]);
    const ended = endOf(child);
    const peer = await raw.accept();
    child.stdin.write("to the server");
    assert.equal(Buffer.from(await peer.receive(13)).toString(), "to the server");
    peer.send(Buffer.from("from the server"));
    child.stdin.end();
    peer.destroy();
    const { exitCode, stdout } = await ended;
    assert.deepEqual([exitCode, stdout], [0, "from the server"]);
  });

  test("says that no server is there, or whose address it is, by its exit code", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe(["dial", freshName()]);
    assert.deepEqual([exitCode, stdout], [3, ""]);
    assert.match(stderr, /no server is there/);
    assert.equal((await runSealpipe(["dial", "no/slashes"])).exitCode, 2);
  });

  test("waits for a server if it is to", async () => {
    const name = freshName();
    const child = startSealpipe(["dial", name, "--wait", "30s"]);
    const ended = endOf(child);
    const server = await startServer(name);
    await once(child.stdout, "readable");
    await server.close();
    assert.equal((await ended).exitCode, 0);
  });
});

describe("dial", { timeout }, () => {
  test("gives a duplex of bytes, both ways", async (t) => {
    const name = freshName();
    const raw = await RawServer.listen(addressOf(name));
    t.after(() => raw[Symbol.asyncDispose]());
    const duplex = await dial(name);
    const peer = await raw.accept();
    const large = Buffer.alloc(3_000_000, 7);
    duplex.write(large);
    assert.ok(Buffer.from(await peer.receive(large.length)).equals(large));
    peer.send(large);
    peer.end();
    const chunks: Buffer[] = [];
    for await (const chunk of duplex.iterator({ destroyOnReturn: false })) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(large));
    duplex.end();
    await once(duplex, "close");
  });

  test("has options of its own alone", async () => {
    for (const options of [{ secret: "x" }, { trust: "none" }, { directory: "relative" }, 5]) {
      await assert.rejects(dial("my-app", options as object), { code: "ERR_INVALID_OPTION" });
    }
    await assert.rejects(dial(freshName()), { code: "ERR_CONNECT_FAILED" });
  });
});
