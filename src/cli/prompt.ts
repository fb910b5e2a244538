import { clearLine, cursorTo, type Interface } from "node:readline";
import { type Client, SealpipeError, type ServerDescription } from "../index.ts";
import type { NamedMember } from "./contract-members.ts";
import { dataFields, shownData, typeOf } from "./data.ts";
import { UsageError } from "./exit-codes.ts";
import type { Output, OutputRecord } from "./output.ts";

export interface PromptOptions {
  readonly client: Client;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Members of a contract, by whose names lines may begin. */
  readonly contract: readonly NamedMember[] | undefined;
}

export type LineResult = "done" | "failed" | "quit";

const help = [
  "send TYPE [DATA]      a message",
  "request TYPE [DATA]   a request, and its answer",
  "stream TYPE [DATA]    a stream, and the items that come",
  "status, stats, describe",
  "quit                  or Ctrl-D",
].join("\n");

const words = ["send", "request", "stream", "status", "stats", "describe", "help", "quit"] as const;

/** What Tab waits for the server's description at most. */
const describeTimeoutMs = 2_000;

/** What the lines of `sealpipe connect` do. */
export class Prompt {
  readonly #options: PromptOptions;
  /** What the server says of itself, to complete its types: nothing if it does not, as most, or is late. */
  readonly #types: Promise<Pick<ServerDescription, "requests" | "streams">>;
  #lines: Interface | undefined;
  #isTerminal = false;

  constructor(options: PromptOptions) {
    this.#options = options;
    const { client } = options;
    client.on("message", ({ type, data }) => {
      void this.#print({ event: "message", type, ...dataFields(data) }, `← ${type} ${shownData(data)}`);
    });
    client.on("error", (error) => options.output.say(`${error.message} (${error.code})`));
    client.on("status", (status) => {
      if (status !== "closing" && status !== "closed") options.output.say(status);
    });
    const none = { requests: [], streams: [] };
    this.#types = client.describe({ timeoutMs: describeTimeoutMs }).catch(() => none);
  }

  attach(lines: Interface, isTerminal: boolean): void {
    this.#lines = lines;
    this.#isTerminal = isTerminal;
    if (isTerminal) lines.prompt();
  }

  /** Begins a new line. */
  dropLine(): void {
    this.#lines?.write(null, { ctrl: true, name: "u" });
  }

  /** What the line may go on with, for readline. */
  async complete(line: string): Promise<[string[], string]> {
    const [first = "", ...rest] = line.split(" ");
    const { contract = [] } = this.#options;
    if (rest.length === 0) {
      const all = [...words, ...contract.map(({ name }) => name)];
      return [all.filter((word) => word.startsWith(first)).map((word) => `${word} `), first];
    }
    const [typed = ""] = rest;
    if (rest.length > 1) return [[], typed];
    const { requests, streams } = await this.#types;
    const types = first === "request" ? requests : first === "stream" ? streams : [];
    return [types.map((type) => `${type} `).filter((type) => type.startsWith(typed)), typed];
  }

  /** Does what the line says. Never rejects. */
  async run(line: string): Promise<LineResult> {
    const [word = "", argument = "", data = ""] = split(line);
    if (word === "quit" || word === "exit") return "quit";
    try {
      await this.#do(word, argument, data);
      return "done";
    } catch (error) {
      if (!(error instanceof SealpipeError) && !(error instanceof UsageError)) throw error;
      this.#options.output.fail(
        error instanceof UsageError ? error.message : `${error.message} (${error.code})`,
      );
      return "failed";
    } finally {
      if (this.#isTerminal) this.#lines?.prompt();
    }
  }

  async #do(word: string, argument: string, data: string): Promise<void> {
    const { client, contract } = this.#options;
    const member = contract?.find(({ name }) => name === word);
    if (member !== undefined) {
      const json = data === "" ? argument : `${argument} ${data}`;
      return this.#talk(verbs[member.kind], member.number, json === "" ? "null" : json);
    }
    switch (word) {
      case "":
        return;
      case "send":
      case "request":
      case "stream":
        return this.#talk(word, typeOf(argument), data);
      case "status":
        return this.#show({ status: client.status, profile: client.profile, encrypted: client.encrypted });
      case "stats":
        return this.#show({ ...client.stats() });
      case "describe":
        return this.#show({ ...(await client.describe({ timeoutMs: 5_000 })) });
      case "help":
        return this.#options.output.say(help);
      default:
        throw new UsageError(`there is no ${word}: try help`);
    }
  }

  async #talk(verb: "send" | "request" | "stream", type: number, data: string): Promise<void> {
    const { client, signal } = this.#options;
    if (verb === "send") {
      await client.write(type, data);
    } else if (verb === "request") {
      const answer = await client.request(type, data, { signal });
      await this.#print({ event: "answer", ...dataFields(answer.data) }, shownData(answer.data));
    } else {
      const stream = await client.openStream(type, data, { signal });
      stream.end();
      for await (const item of stream) {
        await this.#print({ event: "item", ...dataFields(item.data) }, shownData(item.data));
      }
    }
  }

  #show(record: OutputRecord): Promise<void> {
    return this.#print(record, JSON.stringify(record, undefined, 2));
  }

  /** Above the line that is being typed. */
  async #print(record: OutputRecord, text: string): Promise<void> {
    if (this.#isTerminal) {
      cursorTo(process.stdout, 0);
      clearLine(process.stdout, 0);
    }
    await this.#options.output.record(record, text);
    if (this.#isTerminal) this.#lines?.prompt(true);
  }
}

const verbs = { method: "request", stream: "stream", event: "send" } as const;

/** The first two words, and the rest as it is. */
function split(line: string): string[] {
  const [, word = "", argument = "", data = ""] = /^\s*(\S*)\s*(\S*)\s?([\s\S]*)$/.exec(line) ?? [];
  return [word, argument, data];
}
