import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { uint32 } from "../support/bytes.ts";
import { isEvent, startChild } from "../support/children.ts";
import { clientAt, freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { nativeFrame, nativeRawClientOf, nativeRecord } from "../support/native-raw-peer.ts";
import { addressOf } from "../support/raw-peer.ts";

const megabyte = 1_048_576;
const largeBytes = 100 * megabyte;
const options = { maxMessageBytes: 128 * megabyte };

function inMegabytes(bytes: unknown): string {
  return `${Math.round(Number(bytes) / megabyte)} MiB`;
}

describe("a message of 100 MiB, if both ends take it", { timeout: 120_000 }, () => {
  test("holds up no small request: they are answered while it is on its way", async (t) => {
    const name = freshName();
    const server = startChild("taker", name, JSON.stringify(options));
    t.after(() => rmSync(addressOf(name), { force: true }));
    await server.until(isEvent("listening"));
    const client = await clientAt(t, name, options);
    const large = randomFillSync(new Uint8Array(largeBytes));
    const sha256 = createHash("sha256").update(large).digest("hex");
    const startedAt = performance.now();
    void client.write(7, large);
    const arrived = server.until(isEvent("message"));
    const latencies: number[] = [];
    // How many messages the server had when it answered: none while the large one is on its way.
    for (let answered = "0"; answered === "0"; ) {
      const askedAt = performance.now();
      answered = (await client.request(1, "")).text;
      if (answered === "0") latencies.push(performance.now() - askedAt);
    }
    const took = performance.now() - startedAt;
    const message = await arrived;
    assert.deepEqual([message["bytes"], message["sha256"]], [largeBytes, sha256]);
    assert.ok(latencies.length >= 20, `${latencies.length} requests were answered meanwhile`);
    latencies.sort((a, b) => a - b);
    const at = (share: number) =>
      (latencies[Math.floor(share * (latencies.length - 1))] as number).toFixed(1);
    t.diagnostic(
      `${latencies.length} requests were answered in the ${took.toFixed(0)} ms that the message took: ` +
        `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, highest ${at(1)} ms`,
    );
    server.command({ do: "memory" });
    const { highest } = await server.until(isEvent("memory"));
    const own = process.resourceUsage().maxRSS * 1_024;
    t.diagnostic(`highest memory: ${inMegabytes(own)} at the writer, ${inMegabytes(highest)} at the reader`);
    // The message and its frames at the writer; its parts, and the whole of it, at the reader.
    assert.ok(Number(highest) < 4 * largeBytes && own < 5 * largeBytes);
  });

  test("holds up no ping, though its reader takes nothing of it", async (t) => {
    const server = await freshServer(t, { ...options, encryption: false });
    const { peer, connection } = await nativeRawClientOf(t, server);
    void connection.write(7, new Uint8Array(largeBytes));
    peer.send(nativeRecord(nativeFrame(0x04, uint32(12_345))));
    const pong = Buffer.from(nativeFrame(0x05, uint32(12_345)));
    let bytesBefore = 0;
    for (let found = false; !found; ) {
      const length = Buffer.from(await peer.receive(4)).readUInt32BE();
      const record = Buffer.from(await peer.receive(length));
      found = record.subarray(0, pong.length).equals(pong);
      if (!found) bytesBefore += length;
    }
    t.diagnostic(`${Math.round(bytesBefore / 1_024)} KiB came before the pong`);
    // What was in the system's buffer, or on its way to it: no more than the window, of 1 MiB, in any case.
    assert.ok(bytesBefore <= megabyte + 65_536);
  });
});
