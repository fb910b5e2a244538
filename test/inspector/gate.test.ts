import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, type TestContext, test } from "node:test";
import { ask, callOf, inspected, type Parts, rawAnswer } from "../support/inspected.ts";

const calls = ["/events", "/recording", "/send"] as const;

/** The status of the answer to a request with exactly these lines. */
async function statusOf(port: number, head: readonly string[], body = ""): Promise<string> {
  const text = await rawAnswer(port, head, body);
  return text.split(" ")[1] ?? `none: ${text}`;
}

/** A request as the page makes it, but for what is given: `undefined` leaves a header out. */
async function changed(
  { port, host, origin, token }: Parts,
  path: string,
  change: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { method = "POST", ...headers } = change;
  const all = { Host: host, Origin: origin, Authorization: `Bearer ${token}`, ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return statusOf(port, [`${method} ${path} HTTP/1.1`, ...lines, "Connection: close", "Content-Length: 0"]);
}

describe("the inspector's page", () => {
  test("is served to whoever comes by its own name, without a token, and has nothing of the process in it", async (t) => {
    const parts = await inspected(t, { title: "the title of the process" });
    for (const [path, type] of [
      ["/", "text/html; charset=utf-8"],
      ["/page.js", "text/javascript; charset=utf-8"],
      ["/page.css", "text/css; charset=utf-8"],
      ["/icon.svg", "image/svg+xml"],
    ] as const) {
      const response = await ask(parts, path);
      assert.deepEqual([response.status, response.headers["content-type"]], [200, type]);
      const text = await response.text();
      for (const inside of [parts.token, "the title of the process"])
        assert.equal(text.includes(inside), false);
    }
  });

  test("allows nothing inline, evaluated or from elsewhere, and says so on every answer", async (t) => {
    const parts = await inspected(t);
    const answers = [
      await ask(parts, "/"),
      await ask(parts, "/nothing"),
      await ask(parts, "/events", { method: "POST" }),
      await callOf(parts, "/recording"),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 404, 403, 200],
    );
    for (const { headers, text } of answers) {
      await text();
      const policy = String(headers["content-security-policy"]);
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|data:|blob:|http|\*/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["cross-origin-opener-policy"], "same-origin");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
      assert.equal(headers["cache-control"], "no-store");
      const cors = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
      assert.deepEqual(cors, []);
    }
  });

  test("listens on this machine's loopback alone", async (t) => {
    const { port, host } = await inspected(t);
    assert.match(host, /^127\.0\.0\.1:\d+$/);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of others) {
      const socket = connect(port, address);
      const [error] = await once(socket, "error");
      assert.equal((error as NodeJS.ErrnoException).code, "ECONNREFUSED");
    }
  });

  test("has another port and another token each time", async (t) => {
    const [one, other] = [await inspected(t), await inspected(t)];
    assert.notEqual(one.port, other.port);
    assert.notEqual(one.token, other.token);
    assert.match(one.token, /^[A-Za-z0-9_-]{43}$/);
    const [path] = calls;
    assert.equal(await changed(one, path, { Authorization: `Bearer ${other.token}` }), "401");
  });
});

describe("a request to the inspector", () => {
  test("with the Host of somebody else, whose name resolves to this machine, is refused", async (t) => {
    const parts = await inspected(t);
    const { port } = parts;
    const hosts = [
      `evil.example:${port}`,
      "127.0.0.1",
      `localhost:${port}`,
      `127.0.0.1:${port}.evil.example`,
      "",
    ];
    for (const path of ["/", "/page.js", ...calls]) {
      for (const Host of hosts) {
        const method = path.startsWith("/page") || path === "/" ? "GET" : "POST";
        assert.equal(await changed(parts, path, { method, Host }), "421", `${path} for ${Host}`);
      }
    }
  });

  test("with two Hosts is refused, whichever comes first", async (t) => {
    const { port, host } = await inspected(t);
    for (const hosts of [
      [host, "evil.example"],
      ["evil.example", host],
    ]) {
      const lines = hosts.map((name) => `Host: ${name}`);
      const status = await statusOf(port, ["GET / HTTP/1.1", ...lines, "Connection: close"]);
      assert.match(status, /^4/);
    }
  });

  test("from another origin is refused, token or not", async (t) => {
    const parts = await inspected(t);
    const { port, origin } = parts;
    const origins = [
      "http://evil.example",
      "null",
      `${origin}.evil.example`,
      `https://127.0.0.1:${port}`,
      `${origin}/`,
    ];
    for (const path of calls) {
      for (const Origin of origins)
        assert.equal(await changed(parts, path, { Origin }), "403", `${path} ${Origin}`);
    }
    for (const Origin of origins) assert.equal(await changed(parts, "/", { method: "GET", Origin }), "403");
  });

  test("that calls something and does not say where it is from is refused", async (t) => {
    const parts = await inspected(t);
    for (const path of calls) assert.equal(await changed(parts, path, { Origin: undefined }), "403", path);
  });

  test("without the token, or with another, is refused", async (t) => {
    const parts = await inspected(t);
    const { token } = parts;
    const tokens = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token}`,
      `Bearer ${token.slice(1)}`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token}x`,
      `Bearer ${token.toLowerCase()}`,
      `Bearer ${"x".repeat(4_000)}`,
    ];
    for (const path of calls) {
      for (const Authorization of tokens)
        assert.equal(await changed(parts, path, { Authorization }), "401", `${path} ${Authorization}`);
      assert.equal(await changed(parts, `${path}?token=${token}`, { Authorization: undefined }), "404");
    }
  });

  test("with two tokens is refused, although one is right", async (t) => {
    const { port, host, origin, token } = await inspected(t);
    const head = ["POST /recording HTTP/1.1", `Host: ${host}`, `Origin: ${origin}`, "Content-Length: 0"];
    const both = [`Authorization: Bearer ${token}`, "Authorization: Bearer other", "Connection: close"];
    assert.equal(await statusOf(port, [...head, ...both]), "401");
  });

  test("by another method is refused: no link, image or form of another page can be one", async (t) => {
    const parts = await inspected(t);
    for (const path of calls) {
      for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
        assert.equal(await changed(parts, path, { method }), "405", `${method} ${path}`);
    }
    for (const method of ["POST", "OPTIONS", "PUT"])
      assert.equal(await changed(parts, "/", { method }), "405");
  });

  test("for what is not there is refused, whatever the path says", async (t) => {
    const parts = await inspected(t);
    const paths = [
      "/nothing",
      "/../package.json",
      "/%2e%2e/package.json",
      "//evil.example/",
      "/__proto__",
      "/constructor",
    ];
    for (const path of [...paths, `http://${parts.host}/`])
      assert.equal(await changed(parts, path, { method: "GET" }), "404", path);
  });

  test("sends nothing unless the inspector was started with that", async (t) => {
    const parts = await inspected(t);
    const order = { connection: 1, kind: "message", type: 1, text: "" };
    const response = await callOf(parts, "/send", JSON.stringify(order));
    assert.equal(response.status, 403);
    assert.deepEqual(JSON.parse(await response.text()), {
      refused: "the inspector was not started with allowSend",
    });
  });
});

describe("an inspector that is attacked", () => {
  test("reads no head and no body that is too large", async (t) => {
    const parts = await inspected(t, { allowSend: true });
    const { port, host, origin, token } = parts;
    assert.equal(await statusOf(port, ["GET / HTTP/1.1", `Host: ${host}`, `X: ${"x".repeat(9_000)}`]), "431");
    const head = [`Host: ${host}`, `Origin: ${origin}`, `Authorization: Bearer ${token}`];
    const body = "x".repeat(1_048_577);
    assert.equal(
      await statusOf(port, ["POST /send HTTP/1.1", ...head, `Content-Length: ${body.length}`], body),
      "413",
    );
    const chunked = ["POST /send HTTP/1.1", ...head, "Transfer-Encoding: chunked"];
    assert.equal(await statusOf(port, chunked, `${body.length.toString(16)}\r\n${body}\r\n`), "413");
  });

  test("has no more than 32 connections, and 8 pages, at a time", async (t) => {
    const parts = await inspected(t);
    await eightPages(t, parts);
    const { status, text } = await callOf(parts, "/events");
    assert.equal(status, 429);
    await text();
    const sockets = await manySockets(t, parts.port, 40);
    const closed = sockets.filter(({ closed }) => closed);
    assert.ok(closed.length >= 8, `${closed.length} of 40 were closed`);
  });

  test("waits for no head that does not come", async (t) => {
    const { port } = await inspected(t);
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: 127");
    const answered: string[] = [];
    socket.setEncoding("utf8").on("data", (text) => answered.push(String(text)));
    await once(socket, "close");
    assert.match(answered.join(""), /^HTTP\/1\.1 408 /);
  });

  test("goes on after nonsense", async (t) => {
    const parts = await inspected(t);
    for (const bytes of [
      "\0\0\0\0",
      "GET\r\n\r\n",
      "POST / HTTP/9.9",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ])
      assert.match(await rawAnswer(parts.port, [bytes]), /^HTTP\/1\.1 (400|505) |^$/);
    const { status, text } = await ask(parts, "/");
    await text();
    assert.equal(status, 200);
  });
});

async function eightPages(t: TestContext, parts: Parts): Promise<void> {
  for (let page = 0; page < 8; page++) {
    const { status, stream } = await callOf(parts, "/events");
    t.after(() => stream.destroy());
    assert.equal(status, 200);
  }
}

/** Sockets that have connected, and a while to be closed in: until as many are as never could be otherwise. */
async function manySockets(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  let closed = 0;
  await new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.resume().once("close", () => {
        closed += 1;
        if (closed === 8) resolve();
      });
    }
  });
  return sockets;
}
