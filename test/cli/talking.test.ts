import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { type Server, startClient, startServer } from "sealpipe";
import { GoPeer, goVersions, lacksGo } from "../support/go-peer.ts";
import { startGoServer } from "../support/go-server.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { onWindows } from "../support/platform.ts";
import { endOf, runSealpipe, startSealpipe } from "../support/sealpipe-program.ts";

async function freshServer(t: TestContext): Promise<Server> {
  const server = await startServer(freshName());
  t.after(() => server.close());
  return server;
}

type Record_ = Record<string, unknown>;

/** A run that serves, and its records one by one. */
function serving(t: TestContext, ...args: readonly string[]) {
  const child = startSealpipe(args);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = endOf(child);
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const next = async (event: string): Promise<Record_> => {
    for (;;) {
      const { done, value } = await lines.next();
      assert.ok(!done, `no ${event} before it ended`);
      const record = JSON.parse(value) as Record_;
      if (record["event"] === event) return record;
    }
  };
  return { child, next, ended };
}

describe("sealpipe send", () => {
  test("sends text, hexadecimal digits, base64, a file and stdin", async (t) => {
    const server = await freshServer(t);
    const file = join(freshDirectory(), "data");
    writeFileSync(file, Uint8Array.of(0, 255, 10));
    for (const [args, input, expected] of [
      [["héllo"], "", Buffer.from("héllo")],
      [[], "", Buffer.alloc(0)],
      [["--hex", "00 fF"], "", Buffer.of(0, 255)],
      [["--base64", "AP8"], "", Buffer.of(0, 255)],
      [["--file", file], "", Buffer.of(0, 255, 10)],
      [["--file", "-"], Buffer.of(1, 2, 254), Buffer.of(1, 2, 254)],
      [["--file", "-", "--hex"], "0a\n0B\n", Buffer.of(10, 11)],
    ] as const) {
      const ran = runSealpipe(["send", server.name, "5", ...args], { input });
      const { type, data } = await server.read();
      assert.deepEqual([type, Buffer.from(data)], [5, expected], args.join(" "));
      const { exitCode, stdout, stderr } = await ran;
      assert.deepEqual([exitCode, stdout, stderr], [0, "", ""]);
    }
  });

  test("sends each line as a message, as it comes", async (t) => {
    const server = await freshServer(t);
    const child = startSealpipe(["send", server.name, "7", "--lines", "--file", "-"]);
    const ended = endOf(child);
    child.stdin.write("one\ntw");
    assert.equal((await server.read()).text, "one");
    child.stdin.end(Buffer.concat([Buffer.from("o\n\nthr"), Buffer.of(0xff), Buffer.from("ee")]));
    const rest = [await server.read(), await server.read(), await server.read()];
    assert.deepEqual(
      rest.map(({ data }) => Buffer.from(data).toString("latin1")),
      ["two", "", "thr\xffee"],
    );
    assert.equal((await ended).exitCode, 0);
  });

  test("ends with 7 when the server leaves, and with 130 after Ctrl-C, though its input goes on", async (t) => {
    for (const [end, code] of [
      [(server: Server) => void server.close(), 7],
      [(_: Server, child: { kill(signal: NodeJS.Signals): boolean }) => void child.kill("SIGINT"), 130],
    ] as const) {
      const server = await freshServer(t);
      const child = startSealpipe(["send", server.name, "7", "--lines", "--file", "-"]);
      const ended = endOf(child);
      child.stdin.write("one\n");
      assert.equal((await server.read()).text, "one");
      end(server, child);
      assert.equal((await ended).exitCode, code);
    }
  });

  test("prints the messages that come back", async (t) => {
    const server = await freshServer(t);
    server.on("message", async ({ connection, text }) => {
      await connection.write(2, `you said ${text}`);
      await connection.write(3, Uint8Array.of(0xff));
    });
    const { records } = await runSealpipe(["send", server.name, "1", "hi", "--expect", "2"]);
    assert.deepEqual(records, [
      { event: "message", type: 2, bytes: 11, text: "you said hi" },
      { event: "message", type: 3, bytes: 1, base64: "/w==" },
    ]);
    const raw = await runSealpipe(["send", server.name, "1", "hi", "--expect", "1", "--raw"]);
    assert.equal(raw.stdout, "you said hi");
  });

  test("ends with 6 if the server's program does not read, or does not answer", async (t) => {
    const server = await freshServer(t);
    server.on("connection", (connection) => {
      // Somebody claims its messages, and reads none.
      void connection[Symbol.asyncIterator]();
    });
    const unread = await runSealpipe(["send", server.name, "1", "hi", "--timeout", "100ms"]);
    assert.equal(unread.exitCode, 6, unread.stderr);
    assert.match(unread.stderr, /has not read everything within 100 ms/);
    const other = await freshServer(t);
    other.on("message", () => {});
    const silent = await runSealpipe(["send", other.name, "1", "hi", "-t", "200ms", "--expect", "1"]);
    assert.equal(silent.exitCode, 6);
    assert.match(silent.stderr, /ERR_READ_TIMEOUT/);
  });

  test("refuses data that are given twice, or are not what they should be", async () => {
    const name = freshName();
    for (const [args, words] of [
      [["1", "x", "--file", "-"], /DATA or --file, not both/],
      [["1", "0", "--hex"], /not hexadecimal/],
      [["1", "zz", "--hex"], /not hexadecimal/],
      [["1", "a", "--base64"], /not base64/],
      [["1", "aa", "--hex", "--base64"], /not both/],
      [["0", "x"], /TYPE takes an integer from 1 to 4294967295, not 0/],
      [["4294967296", "x"], /TYPE takes/],
      [["-1", "x"], /-1|Unknown option/],
      [["1", "--lines"], /--lines needs --file/],
      [["1", "--file", "/nowhere"], /no such file/],
      [["1", "--file", "/"], /is a directory/],
    ] as const) {
      const { exitCode, stdout, stderr } = await runSealpipe(["send", name, ...args]);
      assert.deepEqual([exitCode, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, words);
    }
  });
});

describe("sealpipe request", () => {
  test("prints the answer, with its time, or as it is", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const { exitCode, records } = await runSealpipe(["request", server.name, "1", "hello"]);
    const [{ ms, ...answer } = {}] = records;
    assert.deepEqual(
      [exitCode, answer, typeof ms],
      [0, { event: "answer", bytes: 5, text: "HELLO" }, "number"],
    );
    assert.equal((await runSealpipe(["request", server.name, "1", "hello", "--raw"])).stdout, "HELLO");
  });

  test("ends with 5 if the handler fails, and says why; with 6 if it is too slow; with 4 for golang-ipc", async (t) => {
    const server = await freshServer(t);
    server.handle(1, () => {
      throw Object.assign(new Error("the disk is full"), { code: "DISK_FULL" });
    });
    server.handle(2, () => new Promise<undefined>(() => {}));
    const failed = await runSealpipe(["request", server.name, "1"]);
    assert.deepEqual(
      [failed.exitCode, failed.stdout, failed.stderr],
      [5, "", "sealpipe request: the disk is full (DISK_FULL)\n"],
    );
    assert.equal((await runSealpipe(["request", server.name, "2", "--timeout", "100ms"])).exitCode, 6);
    assert.equal((await runSealpipe(["request", server.name, "3"])).exitCode, 5);
  });

  test("ends with 7 if the server dies meanwhile", async (t) => {
    const server = await freshServer(t);
    server.handle(1, () => {
      server.destroy();
      return new Promise<undefined>(() => {});
    });
    const { exitCode, stderr } = await runSealpipe(["request", server.name, "1"]);
    assert.equal(exitCode, 7, stderr);
  });
});

describe("sealpipe stream", () => {
  test("sends lines and prints the items that come back", async (t) => {
    const server = await freshServer(t);
    server.handleStream(2, async (stream) => {
      await stream.write(`opened with ${stream.text}`);
      for await (const { text } of stream) await stream.write(text.toUpperCase());
    });
    const args = ["stream", server.name, "2", "data", "--input", "-", "--lines"];
    const { exitCode, records, stderr } = await runSealpipe(args, { input: "one\ntwo\n" });
    assert.deepEqual(
      [exitCode, stderr, records.map(({ text }) => text)],
      [0, "", ["opened with data", "ONE", "TWO"]],
    );
  });

  test("carries a file there and back as it is", async (t) => {
    const server = await freshServer(t);
    server.handleStream(2, async (stream) => {
      for await (const { data } of stream) await stream.write(data);
    });
    const file = join(freshDirectory(), "large");
    const content = Buffer.alloc(1_500_000, "0123456789abcdef\xff", "latin1");
    writeFileSync(file, content);
    const child = startSealpipe(["stream", server.name, "2", "--input", file, "--raw"]);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    const [exitCode] = await once(child, "close");
    assert.deepEqual([exitCode, Buffer.concat(chunks).equals(content)], [0, true]);
  });

  test("ends with 5 if the server resets it", async (t) => {
    const server = await freshServer(t);
    const { exitCode, stderr } = await runSealpipe(["stream", server.name, "9", "--input", "-"], {
      input: "x",
    });
    assert.equal(exitCode, 5);
    assert.match(stderr, /ERR_NO_HANDLER/);
  });
});

describe("sealpipe listen", () => {
  test("shows who comes, what they say, and that they leave", async (t) => {
    const name = freshName();
    const { child, next, ended } = serving(t, "listen", name);
    assert.equal((await next("listening"))["name"], name);
    const client = await startClient(name, { application: "my-app" });
    await client.write(5, "hello");
    await client.write(6, Uint8Array.of(0xff, 0));
    const { pid, application, connection } = await next("connected");
    assert.deepEqual([pid, application], [process.pid, "my-app"]);
    assert.deepEqual(await next("message"), {
      event: "message",
      connection,
      type: 5,
      bytes: 5,
      text: "hello",
    });
    assert.deepEqual(await next("message"), {
      event: "message",
      connection,
      type: 6,
      bytes: 2,
      base64: "/wA=",
    });
    await client.close();
    assert.deepEqual(await next("disconnected"), {
      event: "disconnected",
      connection,
      status: "disconnected",
    });
    child.kill("SIGINT");
    assert.equal((await ended).exitCode, 130);
    if (!onWindows) assert.equal(existsSync(`/tmp/${name}.sock`), false);
  });

  test("echoes, and ends after as many messages as were asked for", async (t) => {
    const name = freshName();
    const { next, ended } = serving(t, "listen", name, "--echo", "--count", "2");
    await next("listening");
    const { records } = await runSealpipe(["send", name, "3", "again", "--expect", "1"]);
    assert.deepEqual(records, [{ event: "message", type: 3, bytes: 5, text: "again" }]);
    await runSealpipe(["send", name, "3", "again"]);
    assert.equal((await ended).exitCode, 0);
  });

  test("ends with 1 if the address is in use", async (t) => {
    const server = await freshServer(t);
    const { exitCode, stdout, stderr } = await runSealpipe(["listen", server.name]);
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /a server is alive there.*\(ERR_ADDRESS_IN_USE\)/);
  });
});

describe("sealpipe handle", { skip: onWindows && "the commands of these tests are for a Unix shell" }, () => {
  test("answers with what a command prints", async (t) => {
    const name = freshName();
    const { next } = serving(t, "handle", name, "1", "--exec", 'tr a-z A-Z; printf " $SEALPIPE_TYPE"');
    await next("listening");
    const { stdout } = await runSealpipe(["request", name, "1", "hello; echo injected", "--raw"]);
    assert.equal(stdout, "HELLO; ECHO INJECTED 1");
    const { type, bytes, exitCode } = await next("request");
    assert.deepEqual([type, bytes, exitCode], [1, 20, 0]);
    assert.match((await runSealpipe(["request", name, "2"])).stderr, /ERR_NO_HANDLER/);
  });

  test("fails as the command fails", async (t) => {
    const name = freshName();
    const { next } = serving(t, "handle", name, "--exec", "echo first >&2; echo no such note >&2; exit 3");
    await next("listening");
    const { exitCode, stderr } = await runSealpipe(["request", name, "77"]);
    assert.deepEqual([exitCode, stderr], [5, "sealpipe request: no such note (ERR_EXIT_3)\n"]);
  });

  test("ends the command, and what that has started, when the client gives up", async (t) => {
    const name = freshName();
    const { next, child } = serving(t, "handle", name, "--exec", "sleep 1000 & wait");
    await next("listening");
    assert.equal((await runSealpipe(["request", name, "1", "--timeout", "300ms"])).exitCode, 6);
    assert.equal((await next("request"))["exitCode"], "SIGTERM");
    child.kill("SIGTERM");
  });

  test("needs a command to run", async () => {
    const { exitCode, stderr } = await runSealpipe(["handle", freshName(), "1"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /--exec is missing/);
  });
});

describe("sealpipe bench", () => {
  test("measures requests of the library, of a handler, and messages", async (t) => {
    const server = await freshServer(t);
    let handled = 0;
    server.handle(1, ({ data }) => {
      handled += 1;
      return data;
    });
    let bytes = 0;
    server.on("message", ({ data }) => {
      bytes += data.length;
    });
    const library = await runSealpipe(["bench", server.name, "--duration", "50ms"]);
    assert.ok((library.records[0]?.["count"] as number) > 0, library.stderr);
    assert.equal(handled, 0);
    const own = await runSealpipe(["bench", server.name, "1", "--duration", "50ms", "-c", "4"]);
    assert.equal(own.records[0]?.["count"], handled);
    const messages = await runSealpipe(["bench", server.name, "2", "-m", "-s", "100", "--duration", "50ms"]);
    assert.equal((messages.records[0]?.["count"] as number) * 100, bytes);
  });
});

describe("sealpipe and golang-ipc", { skip: lacksGo() }, () => {
  for (const version of goVersions) {
    test(`sends to a server of ${version}, and prints what comes back`, async (t) => {
      const { name, go } = await startGoServer(t, { version });
      await go.ask({ do: "echo", on: true });
      const args = ["send", name, "5", "hello", "--expect", "1", "--wait", "60s", "-t", "30s"];
      const { exitCode, records, stderr } = await runSealpipe(args);
      assert.equal(exitCode, 0, stderr);
      assert.deepEqual(records, [{ event: "message", type: 5, bytes: 5, text: "hello" }]);
    });

    test(`listens to a client of ${version}`, async (t) => {
      const name = freshName();
      const { next } = serving(t, "listen", name, "--echo");
      await next("listening");
      const go = new GoPeer({ version, role: "client", name, encryption: true });
      t.after(() => go.stop());
      await go.untilStatus("connected");
      assert.equal((await next("connected"))["profile"], "classic");
      await go.ask({ do: "write", type: 9, text: "from Go" });
      assert.equal((await next("message"))["text"], "from Go");
      assert.equal((await go.untilMessage())["text"], "from Go");
    });
  }

  test("has no request for it", async (t) => {
    const { name } = await startGoServer(t);
    const { exitCode, stderr } = await runSealpipe(["request", name, "1", "--wait", "60s"]);
    assert.deepEqual([exitCode, /ERR_PEER_NOT_NATIVE/.test(stderr)], [4, true], stderr);
  });
});

describe("a secret of the command line", () => {
  test("is read from a file, lets both ends in, and is shown nowhere", async (t) => {
    const file = join(freshDirectory(), "secret");
    const secret = "0123456789abcdef-the-secret";
    writeFileSync(file, secret, { mode: 0o600 });
    const server = await startServer(freshName(), { secretFile: file });
    t.after(() => server.close());
    server.handle(1, () => "in");
    const { exitCode, stdout, stderr } = await runSealpipe([
      "request",
      server.name,
      "1",
      "--secret-file",
      file,
    ]);
    assert.equal(exitCode, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /0123456789abcdef/);
    assert.equal(readFileSync(file, "utf8"), secret);
    assert.equal((await runSealpipe(["request", server.name, "1"])).exitCode, 4);
  });
});
