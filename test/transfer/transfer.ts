import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type Client, startClient } from "sealpipe";
import { exitOf, isEvent } from "../support/children.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshName, namePrefix } from "../support/names.ts";
import { peakRssBytes } from "../support/peak-memory.ts";
import { keepAsking, type Latencies, latencyText } from "./requests.ts";

export interface TransferOptions {
  readonly mebibytes: number;
  readonly encryption: boolean;
  /** How many requests are asked before the transfer and after it, each time. */
  readonly requestsAlone: number;
  readonly figuresEveryMs: number;
  say(line: string): void;
}

export interface TransferResult {
  readonly elapsedMs: number;
  /** Of the file as it was written, and of what arrived. */
  readonly sentHash: string;
  readonly arrivedHash: string;
  readonly arrivedBytes: number;
  /** By how much each process had grown at its highest. */
  readonly clientGrowthBytes: number;
  readonly serverGrowthBytes: number;
  readonly alone: Latencies;
  readonly beside: Latencies;
}

interface ServerFigures {
  readonly bytes: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
}

const mebibyte = 1_048_576;
const serverProgram = fileURLToPath(new URL("./server.js", import.meta.url));

/** A file of random bytes, and their hash. */
async function makeFile(path: string, mebibytes: number): Promise<string> {
  const hash = createHash("sha256");
  await using file = await open(path, "wx");
  for (let count = 0; count < mebibytes; count++) {
    const bytes = randomBytes(mebibyte);
    hash.update(bytes);
    await file.write(bytes);
  }
  return hash.digest("hex");
}

/**
 * Sends a file to a server in a process of its own, by `pipeline` and a stream's duplex, while small requests are asked, and
 * compares what it costs them, and what memory it needs.
 */
export async function transfer(options: TransferOptions): Promise<TransferResult> {
  const directory = await mkdtemp(join(tmpdir(), `${namePrefix}-`));
  const name = freshName();
  const settings = JSON.stringify({ encryption: options.encryption });
  const server = new LinesProcess(process.execPath, [serverProgram, name, settings]);
  try {
    const path = join(directory, "file");
    const sentHash = await makeFile(path, options.mebibytes);
    await server.until(isEvent("listening"));
    const client = await startClient(name, { encryption: options.encryption });
    try {
      return await measure({ client, server, path, options, sentHash });
    } finally {
      await client.close();
      server.child.stdin?.end();
      await exitOf(server);
    }
  } finally {
    await server.kill();
    await rm(directory, { recursive: true });
  }
}

interface Sitting {
  readonly client: Client;
  readonly server: LinesProcess;
  readonly path: string;
  readonly options: TransferOptions;
  readonly sentHash: string;
}

async function measure({ client, server, path, options, sentHash }: Sitting): Promise<TransferResult> {
  const { requestsAlone, say } = options;
  const alone = (): Promise<Latencies> => keepAsking(client, (count) => count >= requestsAlone);
  // What is compiled meanwhile would be counted otherwise.
  await alone();
  const before = await figuresOf(server);
  const clientBefore = process.memoryUsage.rss();
  const quiet = await alone();
  say(`without the transfer: ${latencyText(quiet)}`);
  const stopSaying = sayFigures(server, options);
  const started = performance.now();
  let isDone = false;
  const asking = keepAsking(client, () => isDone);
  const arrivedHash = await send(client, path).finally(() => {
    isDone = true;
  });
  const elapsedMs = performance.now() - started;
  const beside = await asking;
  await stopSaying();
  say(`beside the transfer: ${latencyText(beside)}`);
  const after = await figuresOf(server);
  return {
    elapsedMs,
    sentHash,
    arrivedHash,
    arrivedBytes: after.bytes,
    clientGrowthBytes: peakRssBytes() - clientBefore,
    serverGrowthBytes: after.peakRssBytes - before.rssBytes,
    alone: quiet,
    beside,
  };
}

/** Sends it as a stream, and returns what the server says its hash is. */
async function send(client: Client, path: string): Promise<string> {
  const stream = await client.openStream(1, "");
  let hash = "";
  await pipeline(createReadStream(path), stream.toDuplex(), async (items) => {
    hash = await text(items);
  });
  return hash;
}

async function figuresOf(server: LinesProcess): Promise<ServerFigures> {
  server.command({});
  return (await server.until(isEvent("figures"))) as unknown as ServerFigures;
}

/** Says now and then how far the transfer is, and what memory both processes have. */
function sayFigures(
  server: LinesProcess,
  { figuresEveryMs, say }: Pick<TransferOptions, "figuresEveryMs" | "say">,
): () => Promise<void> {
  let last = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(async () => {
      const { bytes, rssBytes } = await figuresOf(server);
      const [arrived, there, here] = [bytes, rssBytes, process.memoryUsage.rss()].map((each) =>
        Math.round(each / mebibyte),
      );
      say(`${arrived} MiB have arrived; RSS of the sender ${here} MiB, of the receiver ${there} MiB`);
    });
  }, figuresEveryMs);
  return () => {
    clearInterval(timer);
    return last;
  };
}

/** By how much each process may grow, however large the file is. */
export const maxGrowthBytes = 224 * mebibyte;

/** What is wrong with a transfer. */
export function faults(result: TransferResult, mebibytes: number): string[] {
  const found: string[] = [];
  const { sentHash, arrivedHash, arrivedBytes } = result;
  if (arrivedBytes !== mebibytes * mebibyte) found.push(`${arrivedBytes} bytes arrived`);
  if (arrivedHash !== sentHash) found.push(`what arrived has the hash ${arrivedHash}, the file ${sentHash}`);
  for (const end of ["client", "server"] as const) {
    const grown = result[`${end}GrowthBytes`];
    if (grown > maxGrowthBytes) found.push(`the ${end} grew by ${Math.round(grown / mebibyte)} MiB`);
  }
  return found;
}
