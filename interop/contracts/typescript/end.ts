// A server or a client of the contract, on generated code. See the README beside it.

import { connect, isError, serve } from "sealpipe/contract";
import { type Caller, type Doc, everything, type Implementer, type Shape } from "./everything.ts";

const [role = "", name = ""] = process.argv.slice(2);

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function rotated(shape: Shape): Shape | null {
  if (shape.kind === "circle")
    return { kind: "square", side: Math.round(shape.radius), label: "was a circle" };
  return shape.side === 0 ? null : { kind: "circle", radius: shape.side };
}

const saved = new Map<string, number>();

const implementer: Implementer = {
  echo(doc, { fail }) {
    if (doc.path === "missing") return fail("NOT_FOUND", { path: doc.path, tries: 3 });
    return doc.path === "busy" ? fail("BUSY") : doc;
  },
  rotate: (shape) => rotated(shape),
  invert: (data) => data.map((byte) => 255 - byte),
  count(texts = []) {
    const path = texts[0]?.startsWith("saved:") ? texts[0].slice("saved:".length) : undefined;
    return path === undefined ? texts.length : (saved.get(path) ?? -1);
  },
  reset() {},
  wrong: () => 10,
  async *list({ upTo }, { fail }) {
    if (upTo < 0) fail("NOT_FOUND");
    if (upTo === 78) yield "a text" as unknown as number;
    for (let number = 0; number < upTo; number++) yield number;
  },
  async save({ path }, { items }) {
    let lines = 0;
    for await (const _ of items) lines += 1;
    saved.set(path, lines);
  },
  async *chat(_, { items }) {
    for await (const shape of items) yield rotated(shape) ?? shape;
  },
};

async function runServer(): Promise<void> {
  const server = await serve(name, everything, implementer);
  server.endpoint.on("error", () => {});
  // Nobody waits for room: these are few.
  server.on.asked((text, { connection }) => {
    connection.emit.told({ done: text.length, total: 100, note: text });
    connection.emit.said([1, 2, 3]);
    connection.emit.tick();
  });
  server.on.said((numbers, { connection }) => connection.emit.said([...numbers].reverse()));
  write({ listens: true });
  process.stdin.resume().on("end", () => void server.close());
}

const doc: Doc = {
  path: "a/b é 😀",
  version: 2,
  author: { name: "Ada", mail: null },
  mode: "read-write",
  size: 9007199254740991,
  ratio: 0.1,
  isOpen: true,
  tags: [],
  counts: { one: 1, "": -2 },
  shapes: [
    { kind: "circle", radius: 1.5 },
    { kind: "square", side: 3, label: "s" },
  ],
  favourite: { kind: "square", side: 4 },
  note: null,
  lines: [[1, 2], []],
  previous: {
    path: "older",
    version: 2,
    author: { name: "Bob" },
    mode: "1st",
    size: 0,
    ratio: -1,
    isOpen: false,
    tags: ["x"],
    counts: {},
    shapes: [],
    note: "n",
    anything: 0,
  },
  "content-type": "text/plain",
  class: "c",
  anything: { deep: [1, null, "x"] },
};

async function failure(promise: Promise<unknown>, member: Parameters<typeof isError>[1]): Promise<object> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!isError(error, member)) return { stranger: String(error) };
  const { code, data } = error as { code: string; data: unknown };
  if (code !== "ERR_INVALID_INPUT")
    return data === undefined || code.startsWith("ERR_") ? { code } : { code, data };
  return { code, paths: (data as { path: unknown[] }[]).map(({ path }) => path) };
}

async function callMethods(app: Caller): Promise<void> {
  write({ step: "echo", result: await app.echo(doc) });
  write({ step: "missing", result: await failure(app.echo({ ...doc, path: "missing" }), everything.echo) });
  write({ step: "busy", result: await failure(app.echo({ ...doc, path: "busy" }), everything.echo) });
  write({ step: "invalid", result: await failure(app.echo({ ...doc, size: -1 }), everything.echo) });
  write({ step: "circle", result: await app.rotate({ kind: "circle", radius: 2.4 }) });
  write({ step: "nothing", result: await app.rotate({ kind: "square", side: 0 }) });
  write({ step: "bytes", result: [...(await app.invert(Uint8Array.of(0, 1, 255)))] });
  write({ step: "count", result: [await app.count(), await app.count([]), await app.count(["a", "b"])] });
  await app.reset();
  write({ step: "wrong", result: await failure(app.wrong("x"), everything.wrong) });
  write({ step: "has", result: [app.has("echo"), app.has("list")] });
}

async function exchangeEvents(app: Caller): Promise<void> {
  const heard: unknown[] = [];
  const all = new Promise<void>((resolve) => {
    const hear = (what: string) => (data?: unknown) => {
      heard.push(data === undefined ? [what] : [what, data]);
      if (heard.length === 4) resolve();
    };
    app.on.told(hear("told"));
    app.on.said(hear("said"));
    app.on.tick(hear("tick"));
  });
  await app.emit.asked("how far?");
  await app.emit.said([7, 8]);
  await all;
  write({ step: "events", result: heard });
}

async function openStreams(app: Caller): Promise<void> {
  const numbers: number[] = [];
  for await (const number of app.list({ upTo: 5 })) numbers.push(number);
  write({ step: "list", result: numbers });
  write({ step: "list missing", result: await failure(app.list({ upTo: -1 }).read(), everything.list) });
  write({ step: "list wrong", result: await failure(app.list({ upTo: 78 }).read(), everything.list) });
  let last = -1;
  for await (const number of app.list({ upTo: 1_000_000 })) {
    last = number;
    if (number === 3) break;
  }
  write({ step: "list left", result: last });
  const save = app.save({ path: "a.txt" });
  for (const line of ["one", "", "three"]) await save.write(line);
  save.end();
  await save.finished();
  write({ step: "saved", result: await app.count(["saved:a.txt"]) });
  const chat = app.chat();
  const answers: Shape[] = [];
  for (const shape of [
    { kind: "circle", radius: 9 },
    { kind: "square", side: 5 },
  ] satisfies Shape[]) {
    await chat.write(shape);
    answers.push((await chat.read()) as Shape);
  }
  chat.end();
  await chat.finished();
  write({ step: "chat", result: answers });
}

async function runClient(): Promise<void> {
  const app = await connect(name, everything);
  await callMethods(app);
  await exchangeEvents(app);
  await openStreams(app);
  await app.close();
}

await (role === "server" ? runServer() : runClient());
