import type { ServerResponse } from "node:http";
import type { PageLine } from "./event.ts";
import { Feed } from "./feed.ts";
import type { Refusal } from "./gate.ts";
import { Observer } from "./observer.ts";
import { type InspectorOptions, type ParsedOptions, parseOptions } from "./options.ts";
import { type Call, PageServer } from "./page-server.ts";
import { recordingLines } from "./recording.ts";
import { Samples } from "./samples.ts";
import { type Sent, send } from "./sending.ts";
import { Token } from "./token.ts";

/** What `startInspector` has started. */
export interface Inspector extends AsyncDisposable {
  /** The page's address. What follows its `#` is a secret: whoever has it, on this machine, sees what the page shows. */
  readonly url: string;
  /** Hears and serves no more. Settles once the port is free; never rejects. */
  close(): Promise<void>;
}

/** Pages that can be open at a time. */
const maxFeeds = 8;
const sampleMs = 1_000;
const endPatienceMs = 500;

/**
 * Shows what goes on in all clients and servers of this process, from now on, on a page at a random port of 127.0.0.1. It does not
 * keep the process alive. Costs what it costs to hear each message: leave it off if nobody looks.
 *
 * @throws CallerError `ERR_INVALID_OPTION`; SystemError `ERR_LISTEN_FAILED`
 *
 * @example
 * ```ts
 * import { startInspector } from "sealpipe/inspector";
 *
 * const inspector = await startInspector({ title: "my-app" });
 * console.log(inspector.url.startsWith("http://127.0.0.1:")); // true
 * await inspector.close();
 * ```
 */
export async function startInspector(options: InspectorOptions = {}): Promise<Inspector> {
  const parsed = parseOptions(options);
  const token = new Token();
  const running = new RunningInspector(parsed);
  const server = new PageServer(token, running.calls);
  try {
    const url = await server.listen();
    running.begin();
    const close = async (): Promise<void> => {
      await running.stop();
      await server.close();
    };
    return { url: `${url}#${token.text}`, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Hears, and answers what the page calls. */
class RunningInspector {
  readonly calls: ReadonlyMap<string, Call>;
  readonly #options: ParsedOptions;
  readonly #observer: Observer;
  readonly #samples: Samples;
  #timer: NodeJS.Timeout | undefined;
  readonly #feeds = new Set<ServerResponse>();

  constructor(options: ParsedOptions) {
    this.#options = options;
    this.#observer = new Observer(options);
    this.#samples = new Samples(this.#observer);
    this.calls = new Map<string, Call>([
      ["/events", (response) => this.#feed(response)],
      ["/recording", (response) => this.#export(response)],
      ["/send", (response, body) => this.#send(response, body)],
    ]);
  }

  begin(): void {
    this.#timer = setInterval(() => this.#samples.take(), sampleMs).unref();
  }

  /** Settles once the pages have been told that it is over, or do not read that. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#observer.stop();
    const ends = [...this.#feeds].map(
      (response) => new Promise<void>((resolve) => void response.end(resolve)),
    );
    if (ends.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, endPatienceMs);
    });
    await Promise.race([Promise.all(ends), patience]);
    clearTimeout(timer);
  }

  #feed(response: ServerResponse): void {
    if (this.#feeds.size >= maxFeeds) {
      answer(response, { status: 429, text: "too many pages" });
      return;
    }
    this.#feeds.add(response);
    response.once("close", () => void this.#feeds.delete(response));
    response.setHeader("Content-Type", "application/x-ndjson");
    const { title, payloads, allowSend, decoder } = this.#options;
    const { members } = decoder;
    const hello: PageLine = { line: "hello", title, pid: process.pid, payloads, allowSend, members };
    new Feed(response, this.#observer, this.#samples).begin(hello);
  }

  /** Line by line, as fast as it is taken: the events themselves are there anyhow. */
  async #export(response: ServerResponse): Promise<void> {
    response.setHeader("Content-Type", "application/x-ndjson");
    response.setHeader("Content-Disposition", 'attachment; filename="recording.ndjson"');
    const events = this.#observer.timeline.from(0);
    for (const line of recordingLines(this.#options.title, new Date(), events)) {
      if (response.destroyed) return;
      if (!response.write(line)) await drained(response);
    }
    response.end();
  }

  async #send(response: ServerResponse, body: string): Promise<void> {
    if (this.#options.allowSend) answer(response, await send(body, this.#observer.ends, this.#options));
    else answer(response, { status: 403, text: "the inspector was not started with allowSend" });
  }
}

function answer(response: ServerResponse, what: Refusal | Sent): void {
  if ("status" in what) response.statusCode = what.status;
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify("status" in what ? { refused: what.text } : what));
}

/** Settles too if nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
