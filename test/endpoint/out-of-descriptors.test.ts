import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, createClient, startClient } from "sealpipe";
import { exitOf } from "../support/children.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";
import { RawPeer } from "../support/raw-peer.ts";

const program = fileURLToPath(new URL("../support/children/starved-server.js", import.meta.url));

async function echo(client: Client, text: string): Promise<void> {
  await client.write(1, text);
  assert.equal((await client.read({ timeoutMs: 20_000 })).text, text);
}

describe("a server process without a descriptor left", { skip: noUnixSockets, timeout: 60_000 }, () => {
  test("goes on with the clients that it has, says little, and takes others when it has descriptors again", async (t) => {
    const name = freshName();
    // Node opens the modules of a program side by side as it starts.
    const limited = `ulimit -n 512 && exec "$0" "$@"`;
    const server = new LinesProcess("/bin/sh", ["-c", limited, process.execPath, program, name]);
    t.after(() => server.kill());
    await server.until(({ event }) => event === "listening");
    await using honest = await startClient(name);
    await echo(honest, "before");
    server.command({ do: "starve" });
    await server.until(({ event }) => event === "starved");

    await using late = createClient(name, { retryDelayMs: 10, maxRetryDelayMs: 100 });
    const strangers: RawPeer[] = [];
    // The system lets them connect; the server has nothing to hold them with.
    for (let stranger = 0; stranger < 10; stranger++) {
      strangers.push(await RawPeer.connect(honest.address));
      await echo(honest, `beside ${stranger}`);
    }
    assert.equal(late.status, "connecting");
    server.command({ do: "feed" });
    const { errors } = await server.until(({ event }) => event === "fed");
    await echo(late, "after");
    await echo(honest, "after");
    assert.ok(Number(errors) <= 1, `${errors} errors were told`);
    assert.equal(server.stderr, "");
    for (const stranger of strangers) stranger.destroy();
    server.command({ do: "end" });
    assert.equal(await exitOf(server), 0);
  });
});
