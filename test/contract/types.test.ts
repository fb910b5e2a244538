import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type } from "arktype";
import type { Client, Connection, RequestOptions, Server } from "sealpipe";
import {
  type Bound,
  bytes,
  type ContractError,
  connect,
  contract,
  event,
  type Handlers,
  type Issue,
  implement,
  isError,
  method,
  serve,
  stream,
} from "sealpipe/contract";
import * as v from "valibot";
import { z } from "zod";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The build fails if what is found is anything else than `Wanted`, `any` included. */
function is<Wanted>(): <Found>(found: Found, same: Same<Found, Wanted>) => void {
  return () => {};
}

const files = contract("files", {
  open: method(1, {
    input: z.object({ path: z.string(), lines: z.number().default(10) }),
    output: z.string().transform((text) => new Date(text)),
    errors: { NOT_FOUND: z.object({ path: z.string() }), BUSY: null, MAYBE: z.string().optional() },
  }),
  find: method(2, { input: v.optional(v.object({ name: v.string() })), output: type({ found: "boolean" }) }),
  ping: method(3),
  hash: method(4, { input: bytes, output: bytes }),
  told: event(5, z.union([z.string(), z.null()])),
  asked: event(6, z.number(), { direction: "from-caller" }),
  said: event(7, z.string(), { direction: "both" }),
});
type Files = typeof files extends infer C ? Omit<C, symbol> : never;

const logs = contract("logs", {
  tail: stream(1, {
    input: z.object({ path: z.string() }),
    output: z.string().transform((text) => new Date(text)),
    errors: { NOT_FOUND: null },
  }),
  upload: stream(2, { items: z.string().transform((text) => text.length) }),
  chat: stream(3, { input: v.optional(v.string()), output: bytes, items: bytes }),
});
type Logs = typeof logs extends infer C ? Omit<C, symbol> : never;

// What follows is for the compiler alone: nothing calls it.

/** What a caller has. */
export async function caller(app: Bound<Files>, error: unknown): Promise<void> {
  is<(input: { path: string; lines?: number | undefined }, options?: RequestOptions) => Promise<Date>>()(
    app.open,
    true,
  );
  is<(input?: { name: string } | undefined, options?: RequestOptions) => Promise<{ found: boolean }>>()(
    app.find,
    true,
  );
  is<(input?: undefined, options?: RequestOptions) => Promise<undefined>>()(app.ping, true);
  is<Promise<Uint8Array>>()(app.hash(new Uint8Array(1)), true);
  is<Client>()(app.endpoint, true);
  is<"asked" | "said">()("" as keyof typeof app.emit, true);
  is<"told" | "said">()("" as keyof typeof app.on, true);
  app.on.told((data, ...none) => {
    is<string | null>()(data, true);
    is<[]>()(none, true);
  });
  app.has("told");
  // @ts-expect-error: a path is a text
  app.open({ path: 5 });
  // @ts-expect-error: there is something to give
  app.open();
  // @ts-expect-error: there is no such member
  app.close2();
  // @ts-expect-error: events are sent by `emit`
  app.told("a");
  // @ts-expect-error: this end does not send it
  app.emit.told("a");
  // @ts-expect-error: a number
  app.emit.asked("a");
  // @ts-expect-error: there is no such member
  app.has("open2");
  if (isError(error, files.open, "NOT_FOUND")) is<{ path: string }>()(error.data, true);
  if (isError(error, files.open, "BUSY")) is<undefined>()(error.data, true);
  if (isError(error, files.ping, "ERR_INVALID_INPUT")) is<readonly Issue[]>()(error.data, true);
  // @ts-expect-error: another method's
  isError(error, files.ping, "NOT_FOUND");
  if (!isError(error, files.open)) return;
  is<"NOT_FOUND" | "BUSY" | "MAYBE" | "ERR_INVALID_INPUT" | "ERR_INVALID_OUTPUT">()(error.code, true);
  if (error.code === "NOT_FOUND") is<ContractError<"NOT_FOUND", { path: string }>>()(error, true);
}

/** What a caller has of streams. */
export async function opener(app: Bound<Logs>, error: unknown): Promise<void> {
  for await (const time of app.tail({ path: "a" }, { signal: new AbortController().signal })) {
    is<Date>()(time, true);
  }
  is<Promise<Date | undefined>>()(app.tail({ path: "a" }).read({ timeoutMs: 5 }), true);
  is<Promise<void> | undefined>()(app.upload().write("a"), true);
  is<Promise<void> | undefined>()(app.chat("a").write(new Uint8Array(1)), true);
  is<Promise<void>>()(app.chat().finished(), true);
  // @ts-expect-error: there is something to give
  app.tail();
  // @ts-expect-error: nothing goes that way
  app.tail({ path: "a" }).write("a");
  // @ts-expect-error: nothing comes
  app.upload().read();
  // @ts-expect-error: a text
  app.upload().write(5);
  if (isError(error, logs.tail, "NOT_FOUND")) is<undefined>()(error.data, true);
  // @ts-expect-error: another stream's
  isError(error, logs.upload, "NOT_FOUND");
}

/** What an implementer has of streams. */
export const handlersOfStreams: Handlers<Logs> = {
  async *tail({ path }, { fail, signal, connection }) {
    is<string>()(path, true);
    is<AbortSignal>()(signal, true);
    is<Connection>()(connection.endpoint, true);
    if (path === "") fail("NOT_FOUND");
    yield "2026-01-01";
  },
  async upload(input, { items }) {
    is<undefined>()(input, true);
    for await (const length of items) is<number>()(length, true);
  },
  chat: async (name) => {
    is<string | undefined>()(name, true);
    return [new Uint8Array(1)];
  },
};
// @ts-expect-error: no items come from the caller
export const noItems: Handlers<Logs>["tail"] = async function* (_, { items }) {
  yield* items;
};
// @ts-expect-error: texts
export const noTexts: Handlers<Logs>["tail"] = async function* () {
  yield 5;
};
// @ts-expect-error: an error of a stream has no data
export const withData = () => stream(4, { output: bytes, errors: { NOT_FOUND: z.string() } });

/** What an implementer has. */
export async function implementer(server: Server, connection: Connection, client: Client): Promise<void> {
  const handlers: Handlers<Files> = {
    open(input, { connection: who, fail, signal }) {
      is<{ path: string; lines: number }>()(input, true);
      is<AbortSignal>()(signal, true);
      is<Connection>()(who.endpoint, true);
      who.emit.told(null);
      // @ts-expect-error: this end does not send it
      who.emit.asked(5);
      // @ts-expect-error: there is no such error
      if (input.lines === 1) return fail("LOST");
      // @ts-expect-error: it has data
      if (input.lines === 2) return fail("NOT_FOUND");
      // @ts-expect-error: and others
      if (input.lines === 3) return fail("NOT_FOUND", { name: "a" });
      if (input.lines === 4) return fail("BUSY");
      if (input.lines === 5) return fail("MAYBE", undefined, "words");
      return input.path;
    },
    find: async (input) => {
      is<{ name: string } | undefined>()(input, true);
      return { found: true };
    },
    ping() {},
    hash: (data) => data,
  };
  const served = await serve("name", files, handlers);
  served.on.asked((data, { connection: who }) => {
    is<number>()(data, true);
    is<Connection>()(who.endpoint, true);
  });
  served.emit.told("a", { slow: "drop" });
  implement(connection, files, handlers).endpoint satisfies Connection;
  // @ts-expect-error: a client's handlers are called by its server, which is no connection
  implement(client, files, handlers);
  // @ts-expect-error: one is missing
  implement(server, files, { ping() {}, find: handlers.find, open: handlers.open });
  // @ts-expect-error: the answer is a text, as the schema takes it
  implement(server, files, { ...handlers, open: () => new Date() });
  // @ts-expect-error: and not nothing
  implement(server, files, { ...handlers, open() {} });
  // @ts-expect-error: another codec than there is
  contract("a", files, { codec: "json" });
  // @ts-expect-error: no member
  contract("a", { open: z.string() });
  is<Promise<Bound<Files>>>()(
    connect("name", files as never as import("sealpipe/contract").Contract<Files>),
    true,
  );
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const directory = join(root, `build/contract-types-${process.pid}`);

function compile(file: string, source: string): string {
  writeFileSync(join(directory, `${file}.ts`), source);
  const compilerOptions = {
    rootDir: ".",
    outDir: "out",
    declaration: true,
    typeRoots: [join(root, "node_modules/@types")],
  };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: [`${file}.ts`] };
  writeFileSync(join(directory, `${file}.json`), JSON.stringify(config));
  const args = ["tsc", "-p", `${file}.json`, "--extendedDiagnostics"];
  return execFileSync("npx", args, { cwd: directory, encoding: "utf8" });
}

/** A contract of that many members, its handlers, and a call of each. */
function large(count: number): string {
  const numbers = [...Array(count).keys()];
  const events = numbers.filter((number) => number % 3 === 2);
  const methods = numbers.filter((number) => number % 3 !== 2);
  return `import { connect, contract, event, method, serve } from "sealpipe/contract";
import { z } from "zod";
export const large = contract("large", {
${methods.map((number) => `  m${number}: method(${number + 1}, { input: z.object({ path: z.string(), size: z.number().optional() }), output: z.object({ text: z.string(), list: z.array(z.string()) }), errors: { NOT_FOUND: z.object({ path: z.string() }), BUSY: null } }),`).join("\n")}
${events.map((number) => `  m${number}: event(${number + 1}, z.object({ a: z.string() })),`).join("\n")}
});
export const served = () => serve("large", large, {
${methods.map((number) => `  m${number}: ({ path }, { fail }) => (path === "" ? fail("NOT_FOUND", { path }) : { text: path, list: [] }),`).join("\n")}
});
export async function use() {
  const app = await connect("large", large);
${methods.map((number) => `  (await app.m${number}({ path: "a" })).text.length;`).join("\n")}
${events.map((number) => `  app.on.m${number}(({ a }) => a.length);`).join("\n")}
}
`;
}

function instantiationsOf(output: string): number {
  return Number(output.match(/^Instantiations: +(\d+)$/m)?.[1]);
}

describe("the types of contracts", () => {
  before(() => mkdirSync(directory, { recursive: true }));
  after(() => rmSync(directory, { recursive: true, force: true }));

  test("are plain shapes if they are shown, whatever the library of the schemas", () => {
    compile(
      "shown",
      `import { connect, contract, event, method } from "sealpipe/contract";
import { z } from "zod";
export const files = contract("files", {
  open: method(1, {
    input: z.object({ path: z.string() }),
    output: z.object({ text: z.string() }),
    errors: { NOT_FOUND: z.object({ path: z.string() }) },
  }),
  told: event(2, z.number()),
});
const app = await connect("files", files);
export const open = app.open;
export const on = app.on.told;
`,
    );
    const shown = readFileSync(join(directory, "out/shown.d.ts"), "utf8")
      // Of the two ways to name it from here the compiler takes the shorter.
      .replace("#dist/index.js", "sealpipe")
      .replace(/\s+/g, " ");
    const module = 'import("sealpipe/contract")';
    assert.equal(
      shown.trim(),
      `export declare const files: ${module}.Contract<{ open: ${module}.Method<{ path: string; }, { text: string; }, { readonly NOT_FOUND: { path: string; }; }>; told: ${module}.Event<number, "to-caller">; }>; ` +
        `export declare const open: (input: { path: string; }, options?: import("sealpipe").RequestOptions) => Promise<{ text: string; }>; ` +
        `export declare const on: ${module}.On<number, []>;`,
    );
  });

  test("cost the compiler no more for each member of a large contract than of a small one", () => {
    const none = instantiationsOf(compile("none", large(3)));
    const [some, many] = [90, 270].map(
      (count) => (instantiationsOf(compile(`large${count}`, large(count))) - none) / (count - 3),
    ) as [number, number];
    assert.ok(some > 0 && many < 1.2 * some, `${some} and ${many} instantiations a member`);
    assert.ok(many < 3_000, `${many} instantiations a member`);
  });
});
