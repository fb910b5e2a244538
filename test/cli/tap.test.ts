import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { type Client, type Server, startClient, startServer } from "sealpipe";
import { GoPeer, lacksGo } from "../support/go-peer.ts";
import { startGoServer } from "../support/go-server.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { onWindows } from "../support/platform.ts";
import { endOf, runSealpipe, sealpipeProgram, startSealpipe } from "../support/sealpipe-program.ts";

/** A server that answers in capitals, fails type 9 and echoes the items of streams. */
async function talkative(t: TestContext, options: object = {}): Promise<Server> {
  const server = await startServer(freshName(), options);
  t.after(() => server.close());
  server.handle(1, ({ text, context }) => `${text.toUpperCase()}${context?.traceparent ?? ""}`);
  server.handle(9, () => {
    throw Object.assign(new Error("it is broken"), { code: "BROKEN", data: Uint8Array.of(7) });
  });
  server.handleStream(2, async (stream) => {
    for await (const { text } of stream) await stream.write(`${stream.text} ${text}`);
  });
  server.on("message", ({ connection, type, data }) => void connection.write(type, data));
  return server;
}

/** A tap of that server, or a recording of it, once clients can connect. */
async function tapped(t: TestContext, name: string, ...args: readonly string[]) {
  const [command = "tap", ...rest] = args;
  const child = startSealpipe([command, name, ...rest]);
  const ended = endOf(child);
  const errors = createInterface({ input: child.stderr });
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const [first] = await once(errors, "line");
  assert.match(first as string, /^clients connect to /);
  return { child, ended };
}

async function talk(client: Client): Promise<void> {
  await client.write(5, "hello");
  assert.equal((await client.read()).text, "hello");
  assert.equal((await client.request(1, "question")).text, "QUESTION");
  await assert.rejects(client.request(9, ""), {
    code: "BROKEN",
    message: "it is broken",
    data: Uint8Array.of(7),
  });
  const stream = await client.openStream(2, "say");
  await stream.write("one");
  stream.end();
  const items: string[] = [];
  for await (const { text } of stream) items.push(text);
  assert.deepEqual(items, ["say one"]);
  await client.close();
}

describe("sealpipe tap", () => {
  test("carries all that two ends say, and shows it", async (t) => {
    const server = await talkative(t);
    const { child, ended } = await tapped(t, server.name);
    await talk(await startClient(`${server.name}-tap`));
    child.kill("SIGINT");
    const { exitCode, records, stderr } = await ended;
    assert.equal(exitCode, 130, stderr);
    const [head, ...passed] = records;
    assert.deepEqual([head?.["sealpipe"], head?.["name"]], ["recording/1", server.name]);
    const words = passed.map(({ from, kind, id, type, text, code }) =>
      [from, kind, id, type, text, code].filter((word) => word !== undefined).join(" "),
    );
    assert.deepEqual(
      words.sort(),
      [
        "client close",
        "client end 3",
        "client item 3 one",
        "client message 5 hello",
        "client open",
        "client request 1 1 question",
        "client request 2 9 ",
        "client stream 3 2 say",
        "server answer 1 QUESTION",
        "server end 3",
        "server failure 2 BROKEN",
        "server item 3 say one",
        "server message 5 hello",
      ].sort(),
    );
  });

  test("carries requests and streams of the server, and traces", async (t) => {
    const server = await startServer(freshName());
    t.after(() => server.close());
    const { child, ended } = await tapped(t, server.name, "tap", "--no-data");
    const client = await startClient(`${server.name}-tap`);
    client.handle(1, ({ text, context }) => `${text} ${context?.traceparent}`);
    client.handleStream(3, async (stream) => {
      await stream.write(`got ${stream.text}`);
    });
    const connection = server.connections[0] ?? (await once(server, "connection"))[0];
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await connection.request(1, "why", { context: { traceparent } });
    assert.equal(answer.text, `why ${traceparent}`);
    const stream = await connection.openStream(3, "it");
    assert.equal((await stream.read()).text, "got it");
    await client.close();
    child.kill("SIGINT");
    const { stdout, records } = await ended;
    assert.doesNotMatch(stdout, /why|got it/);
    assert.ok(
      records.some(
        ({ from, kind, bytes, text }) =>
          from === "server" && kind === "request" && bytes === 3 && text === undefined,
      ),
    );
  });

  test("hangs up on a client if the server is not there, or has gone", async (t) => {
    const server = await talkative(t);
    await tapped(t, server.name);
    const client = await startClient(`${server.name}-tap`, { retry: false });
    const gone = once(client, "close");
    await server.close();
    await gone;
    const next = await startClient(`${server.name}-tap`, { retry: false });
    if (next.status === "connected") await once(next, "close");
    assert.notEqual(next.status, "connected");
  });

  test("needs the secret of both ends, and has none without it", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    const server = await talkative(t, { secretFile });
    await tapped(t, server.name, "tap", "--secret-file", secretFile);
    await talk(await startClient(`${server.name}-tap`, { secretFile }));
    await assert.rejects(startClient(`${server.name}-tap`, { retry: false }), {
      code: "ERR_AUTHENTICATION_FAILED",
    });
  });

  test("stands between golang-ipc's ends", { skip: lacksGo() }, async (t) => {
    const { name, go } = await startGoServer(t);
    await go.ask({ do: "echo", on: true });
    const { child, ended } = await tapped(t, name);
    const client = new GoPeer({ version: "v1.2.4", role: "client", name: `${name}-tap`, encryption: true });
    await client.untilStatus("connected");
    await client.ask({ do: "write", type: 7, text: "hello" });
    assert.equal((await client.untilMessage())["text"], "hello");
    await client.stop();
    child.kill("SIGINT");
    const { records } = await ended;
    const messages = records.filter(({ kind }) => kind === "message").map(({ from, text }) => [from, text]);
    assert.deepEqual(messages, [
      ["client", "hello"],
      ["server", "hello"],
    ]);
  });
});

describe("sealpipe record and replay", () => {
  test("save what was said in a file for its user alone, and say it again", async (t) => {
    const server = await talkative(t);
    const file = join(freshDirectory(), "session.ndjson");
    const { child, ended } = await tapped(t, server.name, "record", file);
    await talk(await startClient(`${server.name}-tap`));
    child.kill("SIGTERM");
    assert.equal((await ended).exitCode, 143);
    if (!onWindows) assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await runSealpipe(["replay", server.name, file, "--speed", "max", "--check"]);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stderr, /^6 sent, 0 answers differ\n$/);
    const said = again.records.map(({ kind, text, code }) => `${kind} ${text ?? code ?? ""}`);
    assert.deepEqual(said.sort(), [
      "answer QUESTION",
      "end ",
      "failure BROKEN",
      "item say one",
      "message hello",
    ]);
    const taken = await runSealpipe(["record", server.name, file]);
    assert.equal(taken.exitCode, 2);
    assert.match(taken.stderr, /EEXIST/);
  });

  test("end when the file cannot be written any more", {
    skip: onWindows && "it has no ulimit",
  }, async (t) => {
    const server = await talkative(t);
    const file = join(freshDirectory(), "session.ndjson");
    const line = `ulimit -f 1; exec '${process.execPath}' '${sealpipeProgram}' record ${server.name} '${file}'`;
    const child = spawn("bash", ["-c", line]);
    const ended = endOf(child);
    const [first] = await once(createInterface({ input: child.stderr }), "line");
    assert.match(first as string, /^clients connect to /);
    const client = await startClient(`${server.name}-tap`, { retry: false });
    const gone = once(client, "close");
    await client.write(1, new Uint8Array(10_000));
    await gone;
    const { exitCode, stderr } = await ended;
    assert.equal(exitCode, 1);
    assert.match(stderr, /sealpipe record: EFBIG/);
  });

  test("notice an answer that is another", async (t) => {
    const server = await talkative(t);
    const file = join(freshDirectory(), "session.ndjson");
    const lines = [
      { sealpipe: "recording/1", name: server.name, time: new Date(0).toISOString() },
      { ms: 0, connection: 1, from: "client", kind: "open" },
      { ms: 1, connection: 1, from: "client", kind: "request", id: 1, type: 1, text: "a" },
      { ms: 2, connection: 1, from: "server", kind: "answer", id: 1, text: "B" },
      { ms: 3, connection: 1, from: "client", kind: "close" },
    ];
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    const differs = await runSealpipe(["replay", server.name, file, "--check"]);
    assert.equal(differs.exitCode, 1);
    assert.match(differs.stderr, /request #1: an answer of 1 bytes instead of an answer of 1 bytes/);
    assert.equal((await runSealpipe(["replay", server.name, file])).exitCode, 0);
  });

  test("say where a file is no recording", async (t) => {
    const server = await talkative(t);
    const file = join(freshDirectory(), "bad.ndjson");
    const head = '{"sealpipe":"recording/1"}\n';
    for (const [content, words] of [
      ["", /it is empty/],
      ["hello\n", /:1: it is no JSON object/],
      ['{"sealpipe":"recording/2"}\n', /:1: it is no recording/],
      [`${head}[]\n`, /:2: it has no valid ms/],
      [`${head}{"ms":-1,"connection":1,"from":"client","kind":"open"}\n`, /:2: it has no valid ms/],
      [`${head}{"ms":1,"connection":1,"from":"nobody","kind":"open"}\n`, /:2: it has no valid ms/],
      [`${head}{"ms":1,"connection":1,"from":"client","kind":"toString"}\n`, /:2: it has no valid ms/],
      [`${head}{"ms":1,"connection":1,"from":"client","kind":"message","type":"5"}\n`, /:2: id and type/],
      [`${head}{"ms":1,"connection":1,"from":"client","kind":"message","text":5}\n`, /:2: text and base64/],
      [`${head}{"ms":1,"connection":1,"from":"client","kind":"reset","code":5}\n`, /:2: code and message/],
    ] as const) {
      writeFileSync(file, content);
      const { exitCode, stderr } = await runSealpipe(["replay", server.name, file]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, words);
    }
    assert.equal(readFileSync(file, "utf8").startsWith(head), true);
    assert.equal((await runSealpipe(["replay", server.name, "/nowhere"])).exitCode, 2);
    assert.equal((await runSealpipe(["replay", server.name, file, "--speed", "0"])).exitCode, 2);
  });
});
