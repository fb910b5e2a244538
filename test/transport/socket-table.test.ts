import assert from "node:assert/strict";
import { linkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { isListedAsListening } from "#dist/transport/socket-table.js";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { RawPeer } from "../support/raw-peer.ts";

const skip = process.platform !== "linux" && "only Linux lists its sockets";
const directory = freshDirectory();

async function listenAt(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  after(() => server.close());
  return server;
}

describe("the kernel's table of sockets", { skip }, () => {
  test("lists a socket that a process listens on", async () => {
    const path = join(directory, "listening");
    await listenAt(path);
    assert.equal(await isListedAsListening(path), true);
  });

  test("lists it even if a client is connected", async () => {
    const path = join(directory, "connected");
    const server = await listenAt(path);
    const client = await RawPeer.connect(path);
    assert.equal(await isListedAsListening(path), true);
    client.destroy();
    server.close();
  });

  test("lists neither a dead socket nor a path at which there is nothing", async () => {
    const path = join(directory, "dead");
    await leaveDeadSocket(path);
    assert.equal(await isListedAsListening(path), false);
    assert.equal(await isListedAsListening(join(directory, "nothing")), false);
  });

  test("distinguishes paths that begin or end alike", async () => {
    const path = join(directory, "alike");
    await listenAt(path);
    assert.equal(await isListedAsListening(path.slice(0, -1)), false);
    assert.equal(await isListedAsListening(`${path}x`), false);
    assert.equal(await isListedAsListening(path.slice(1)), false);
  });

  test("lists a path with a space", async () => {
    const path = join(directory, "with a space");
    await listenAt(path);
    assert.equal(await isListedAsListening(path), true);
  });

  test("does not list a link to a socket that was bound elsewhere", async () => {
    const path = join(directory, "bound");
    const link = join(directory, "shown");
    await listenAt(path);
    linkSync(path, link);
    assert.equal(await isListedAsListening(link), false);
  });
});

describe("a table", () => {
  function isListed(path: string, table: string): Promise<boolean> {
    const tablePath = join(directory, "table");
    writeFileSync(tablePath, table);
    return isListedAsListening(path, tablePath);
  }

  const head = "Num       RefCount Protocol Flags    Type St Inode Path\n";

  test("distinguishes a socket that listens from one that is connected", async () => {
    const listening = `${head}0000000000000000: 00000002 00000000 00010000 0001 01 16163 /tmp/a.sock\n`;
    const connected = `${head}0000000000000000: 00000003 00000000 00000000 0001 03 16163 /tmp/a.sock\n`;
    assert.equal(await isListed("/tmp/a.sock", listening), true);
    assert.equal(await isListed("/tmp/a.sock", connected), false);
  });

  test("recognises a socket that is bound and about to listen, which refuses connections until then", async () => {
    const bound = `${head}0000000000000000: 00000002 00000000 00000000 0001 01 16163 /tmp/a.sock\n`;
    assert.equal(await isListed("/tmp/a.sock", bound), true);
  });

  test("may have sockets without a path, and lines of nothing", async () => {
    const table = `${head}0000000000000000: 00000002 00000000 00010000 0001 01 16163\n\nnonsense\n`;
    assert.equal(await isListed("/tmp/a.sock", table), false);
  });

  test("may not be there, as on macOS", async () => {
    assert.equal(await isListedAsListening("/tmp/a.sock", join(directory, "no-table")), false);
  });
});
