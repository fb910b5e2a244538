import assert from "node:assert/strict";
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SystemError } from "sealpipe";
import { type Address, resolveAddress } from "#dist/transport/address.js";
import { namedPipes } from "#dist/transport/named-pipe.js";
import { Accepting, never } from "../support/accepting.ts";
import { pattern } from "../support/bytes.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { onWindows, sharesPipeNames } from "../support/platform.ts";
import { RecordingHandler } from "../support/recording-handler.ts";

/** A pipe, or where there are none a socket, which node:net treats alike. */
function freshAddress(): Address {
  return resolveAddress(freshName(), { directory: "/tmp", platform: process.platform });
}

describe("named pipes", () => {
  test("carry bytes both ways", async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(namedPipes, address);
    const client = await namedPipes.connect(address, never);
    const server = await accepting.next();
    const atClient = RecordingHandler.start(client);
    const atServer = RecordingHandler.start(server);
    client.write([pattern(1_000, 1)]);
    server.write([pattern(1_000, 2)]);
    assert.deepEqual(await atServer.receive(1_000), pattern(1_000, 1));
    assert.deepEqual(await atClient.receive(1_000), pattern(1_000, 2));
    client.destroy();
    server.destroy();
    await accepting.close();
  });

  test("are in use while a server has them, and free when it is closed", {
    skip: sharesPipeNames,
  }, async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(namedPipes, address);
    await assert.rejects(Accepting.listen(namedPipes, address), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_ADDRESS_IN_USE");
      assert.equal((error.cause as NodeJS.ErrnoException).code, "EADDRINUSE");
      return true;
    });
    await accepting.close();
    await (await Accepting.listen(namedPipes, address)).close();
  });

  test("are gone with their server", { skip: !onWindows && existsSync("\\\\.\\pipe\\") }, async () => {
    const address = freshAddress();
    await (await Accepting.listen(namedPipes, address)).close();
    assert.equal(existsSync(address.path), false);
  });

  const byMode = onWindows && "a pipe's permissions show as a mode only where it is a socket";

  for (const openToAllUsers of [false, true]) {
    const title = openToAllUsers ? "are opened to all users" : "are not opened to other users";
    test(`${title} if that is${openToAllUsers ? "" : " not"} asked for`, { skip: byMode }, async () => {
      const before = process.umask(0o077);
      try {
        const address = freshAddress();
        const accepting = await Accepting.listen(namedPipes, address, { openToAllUsers });
        const others = lstatSync(address.path).mode & 0o066;
        assert.equal(others, openToAllUsers ? 0o066 : 0);
        await accepting.close();
      } finally {
        process.umask(before);
      }
    });
  }

  test("cannot listen if the system does not let them", async () => {
    const path = onWindows ? "not-a-pipe" : join(freshDirectory(), "nowhere", "a.sock");
    await assert.rejects(Accepting.listen(namedPipes, { kind: "named-pipe", path }), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_LISTEN_FAILED");
      assert.ok(error.cause instanceof Error);
      return true;
    });
  });
});
