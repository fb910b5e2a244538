import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { freshName } from "../support/names.ts";

/**
 * A server and a client in one process, which tells what secrets their connection has, in hexadecimal, and then ends it
 * when it is told to.
 */
const program = `
  import { createInterface } from "node:readline";
  const { startClient, startServer } = await import(${JSON.stringify(new URL("../../../dist/index.js", import.meta.url).href)});
  const { nodeCrypto } = await import(${JSON.stringify(new URL("../../../dist/crypto/node.js", import.meta.url).href)});
  const { hmacSha256 } = nodeCrypto;
  nodeCrypto.hmacSha256 = (key, data) => {
    const result = hmacSha256(key, data);
    const label = Buffer.from(data[0]).toString();
    if (/^[a-z]+$/.test(label)) console.log(label, result.toString("hex"));
    return result;
  };
  const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const [, name, end] = process.argv;
  const server = await startServer(name);
  const client = await startClient(name);
  for (let type = 1; type <= 100; type++) {
    await client.write(type, "message " + type);
    const { connection } = await server.read({ timeoutMs: 10_000 });
    await connection.write(type, "answer " + type);
    await client.read({ timeoutMs: 10_000 });
  }
  console.log("open");
  await told.next();
  if (end === "destroy") {
    client.destroy();
    server.destroy();
  } else await Promise.all([client.close(), server.close()]);
  // What the platform itself keeps goes with the objects that it is in, some only a round after others.
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    console.log("collected");
    if ((await told.next()).value === "end") process.exit();
  }
`;

interface Secret {
  readonly what: string;
  readonly bytes: Buffer;
}

/** How often each of these bytes are in the process's memory that can be written. */
function countIn(pid: number, secrets: readonly Secret[]): Record<string, number> {
  const counts = Object.fromEntries(secrets.map(({ what }) => [what, 0]));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const [start, end] of writableRegions(pid)) {
      for (let at = start; at < end; at += BigInt(chunk.length - overlap)) {
        const wanted = Math.min(chunk.length, Number(end - at));
        const bytes = chunk.subarray(0, readOrNothing(memory, wanted, at));
        for (const { what, bytes: secret } of secrets) {
          for (let found = bytes.indexOf(secret); found !== -1; found = bytes.indexOf(secret, found + 1))
            counts[what] = (counts[what] as number) + 1;
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return counts;
}

const chunk = Buffer.alloc(4_194_304);
const overlap = 64;

function writableRegions(pid: number): [bigint, bigint][] {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8");
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)].map(([, start, end]) => [
    BigInt(`0x${start}`),
    BigInt(`0x${end}`),
  ]);
}

/** A region may go while it is read. */
function readOrNothing(memory: number, wanted: number, at: bigint): number {
  try {
    return readSync(memory, chunk, 0, wanted, at);
  } catch {
    return 0;
  }
}

/** The key of GHASH under a key of GCM, which the tables begin with. */
function hashKeyOf(key: Uint8Array): Buffer {
  return createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(new Uint8Array(16));
}

/** What follows from what was told, in the order of the key schedule: two keys with their IVs. */
function secretsOf(lines: readonly string[]): Secret[] {
  // Both ends tell of each.
  const all = [...new Set(lines)].map((line) => line.split(" ") as [string, string]);
  const named = (label: string) =>
    all.filter(([each]) => each === label).map(([, hex]) => Buffer.from(hex, "hex"));
  const ivs = named("iv").map((block) => block.subarray(0, 12));
  const secrets: Secret[] = ["client", "server", "resumption", "key"].flatMap((label) =>
    named(label).map((bytes) => ({ what: `${label} ${bytes.toString("hex", 0, 4)}`, bytes })),
  );
  for (const [index, key] of named("key").entries()) {
    const iv = ivs[index] as Buffer;
    const what = key.toString("hex", 0, 4);
    secrets.push({ what: `IV ${what}`, bytes: iv });
    secrets.push({ what: `GHASH key ${what}`, bytes: hashKeyOf(key) });
  }
  return secrets;
}

async function linesUntil(lines: AsyncIterator<string>, last: string): Promise<string[]> {
  const read: string[] = [];
  for (let next = await lines.next(); next.value !== last; next = await lines.next()) {
    assert.ok(!next.done, `the process ended before it said "${last}"`);
    read.push(next.value);
  }
  return read;
}

function startProcess(end: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const flags = ["--expose-gc", "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, [...flags, freshName(), end], { stdio: ["pipe", "pipe", "inherit"] });
  const input = child.stdout as NonNullable<typeof child.stdout>;
  return { child, lines: createInterface({ input })[Symbol.asyncIterator]() };
}

const elsewhere = process.platform === "linux" ? false : "a process's memory can be read on Linux alone";

for (const end of ["close", "destroy"]) {
  test(`no secret of a connection is in the process's memory after its ${end}`, {
    skip: elsewhere,
    timeout: 60_000,
  }, async (t) => {
    const { child, lines } = startProcess(end);
    t.after(() => child.kill("SIGKILL"));
    const secrets = secretsOf(await linesUntil(lines, "open"));
    assert.equal(secrets.length, 9);
    for (const [what, count] of Object.entries(countIn(child.pid as number, secrets)))
      assert.ok(count > 0, `${what} is not found while it is in use`);
    let left: string[] = secrets.map(({ what }) => what);
    for (let round = 0; round < 10 && left.length > 0; round++) {
      child.stdin?.write("\n");
      await linesUntil(lines, "collected");
      left = Object.entries(countIn(child.pid as number, secrets)).flatMap(([what, count]) =>
        count > 0 ? [what] : [],
      );
    }
    assert.deepEqual(left, []);
    child.stdin?.end("end\n");
    await once(child, "exit");
  });
}
