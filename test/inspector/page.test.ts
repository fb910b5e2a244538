import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Client, Server } from "sealpipe";
import { startServer } from "sealpipe";
import { contract, event, method } from "sealpipe/contract";
import type { InspectorOptions } from "sealpipe/inspector";
import { lacksChromium, launchChromium } from "../support/chromium.ts";
import { clientAt, connectedPair } from "../support/endpoints.ts";
import { inspected, type Parts } from "../support/inspected.ts";
import { freshName } from "../support/names.ts";
import { Relay } from "../support/relay.ts";
import { endOf, startSealpipe } from "../support/sealpipe-program.ts";
import { until } from "../support/waiting.ts";

const foreignName = "evil.example";
let browser: Browser;

before(async () => {
  if (lacksChromium === false)
    // As whoever has a name may let it resolve to any machine.
    browser = await launchChromium([`--host-resolver-rules=MAP ${foreignName} 127.0.0.1`]);
});
after(() => browser?.close());

interface Opened extends Parts {
  readonly page: Page;
  /** What the browser complains of. */
  readonly complaints: string[];
}

/** The page of an inspector of this process, once it listens. Whatever the browser complains of fails the test. */
async function opened(
  t: TestContext,
  options: InspectorOptions = {},
  context: BrowserContextOptions = {},
): Promise<Opened> {
  const parts = await inspected(t, options);
  const { page, complaints } = await pageOf(t, context);
  await page.goto(parts.inspector.url);
  await page.getByRole("status").getByText("live").waitFor();
  t.after(() => assert.deepEqual(complaints, []));
  return { ...parts, page, complaints };
}

async function pageOf(t: TestContext, context: BrowserContextOptions = {}) {
  const page = await browser.newPage(context);
  t.after(() => page.context().close());
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { page, complaints };
}

/** Waits for what the page shows no element for; `waitForFunction` evaluates in it, which the page's policy forbids. */
async function comesTrue(page: Page, expression: string): Promise<void> {
  const patience = AbortSignal.timeout(20_000);
  while ((await page.evaluate(expression)) !== true) {
    if (patience.aborted) throw new Error(`never came true: ${expression}`);
    await pause(20);
  }
}

function checkbox(page: Page, name: string) {
  return page.getByRole("checkbox", { name });
}

/** The cells of a row, as they are read. */
async function cellsOf(page: Page, row: string): Promise<string[]> {
  const texts = await page.locator(`${row} > *`).allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, " ").trim());
}

/** The lines of the timeline, without their times, the oldest first. */
async function linesOf(page: Page): Promise<string[]> {
  const parts = page.locator(".timeline summary");
  const texts = await parts.evaluateAll((rows) =>
    rows.map((row) =>
      [...(row as unknown as { children: Iterable<{ textContent: string }> }).children]
        .slice(1)
        .map(({ textContent }) => textContent)
        .join(" "),
    ),
  );
  return texts.reverse();
}

const notes = contract("notes", { open: method(1), changed: event(5) });

/** A server that answers type 1, fails type 2 and echoes streams of type 3, and a client of it. */
async function talkative(t: TestContext): Promise<{ client: Client; server: Server }> {
  const { client, server } = await connectedPair(t, { server: { application: "my-daemon" } });
  server.handle(1, ({ text }) => text.toUpperCase());
  server.handle(2, () => {
    throw Object.assign(new Error("it is broken"), { code: "BROKEN" });
  });
  server.handleStream(3, async (stream) => {
    for await (const { text } of stream) await stream.write(text);
  });
  server.on("message", () => {});
  return { client, server };
}

describe("the inspector's page, in Chromium", { skip: lacksChromium }, () => {
  test("shows what happens, as it happens", async (t) => {
    const { page } = await opened(t, {
      payloads: true,
      side: "client",
      contracts: [notes],
      title: "my program",
    });
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "my program");
    const { client } = await talkative(t);
    await client.write(5, '"a.txt"');
    await client.request(1, '"b.txt"');
    await assert.rejects(client.request(2, Uint8Array.of(0xff)));
    const stream = await client.openStream(3, "");
    await stream.write("<b>item</b>");
    await stream.read();
    stream.end();
    assert.equal(await stream.read(), undefined);
    await comesTrue(
      page,
      "[...document.querySelectorAll('.kind')].filter(({ textContent }) => textContent === 'end').length === 2",
    );
    const passed = (await linesOf(page)).filter((line) => !/ (connecting|handshake|open) /.test(line));
    assert.deepEqual(
      passed.map((line) => line.replace(/[\d.]+ (ms|µs)/, "TIME")),
      [
        '1 → message notes.changed · 7 B · "a.txt"',
        '1 → request #1 notes.open · 7 B · "b.txt"',
        '1 ← answer #1 7 B · TIME · "B.TXT"',
        "1 → request #2 type 2 · 1 B · /w==",
        "1 ← failure #2 BROKEN · TIME",
        "1 → stream #3 type 3 · 0 B",
        "1 → item #3 11 B · <b>item</b>",
        "1 ← item #3 11 B · <b>item</b>",
        "1 → end #3 ",
        "1 ← end #3 TIME",
      ],
    );
    // The tables are told less often, and all at once.
    await page.locator("tr[data-call='stream 3'] [data-head='Done']", { hasText: "1" }).waitFor();
    const [number, end, status, peer, sent] = await cellsOf(page, "tr[data-connection='1']");
    assert.deepEqual([number, end, status], ["1", `client ${client.address}`, "connected"]);
    assert.match(String(peer), new RegExp(`^my-daemon, pid ${process.pid}, sealpipe/.* native, encrypted$`));
    assert.equal(sent, "1 7 B");
    const [type, what, running, done, failed, p50] = await cellsOf(page, "tr[data-call='request 1']");
    assert.deepEqual([type, what, running, done, failed], ["notes.open", "asked here", "0", "1", "0"]);
    assert.match(String(p50), /^[\d.]+ (µs|ms)$/);
    assert.equal((await cellsOf(page, "tr[data-call='request 2']"))[4], "1");
    await page.locator(".kind.bad").click();
    assert.equal(await page.getByText("it is broken").isVisible(), true);
  });

  test("shows no data unless that was asked for", async (t) => {
    const { page } = await opened(t, { side: "client" });
    const { client } = await talkative(t);
    await client.request(1, "a secret word");
    await page.getByText("answer").first().waitFor();
    assert.equal(await page.getByText("Data are hidden.").isVisible(), true);
    assert.equal((await page.content()).toLowerCase().includes("secret"), false);
    await page.getByRole("button", { name: "Send" }).waitFor({ state: "detached" });
  });

  test("shows that a session goes on, and that a connection is over", async (t) => {
    const { page } = await opened(t, { side: "client" });
    const server = await startServer(freshName());
    t.after(() => server.close());
    const relay = await Relay.start(t, server.address);
    const client = await clientAt(t, relay.name, { retryDelayMs: 1 });
    relay.cut();
    await until(() => client.stats().resumes === 1);
    await page.locator("tr[data-connection='1'] td").filter({ hasText: "1 of 1" }).waitFor();
    await client.close();
    await page.locator("tr[data-connection='1']").getByText("closed").waitFor();
    assert.ok((await linesOf(page)).some((line) => line.startsWith("1 → resumed ")));
  });

  test("filters by words, by kind and by connection", async (t) => {
    const { page } = await opened(t, { payloads: true });
    const { client } = await talkative(t);
    await client.write(5, "first");
    await client.write(6, "second");
    await client.request(1, "third");
    await page.getByText("THIRD").first().waitFor();
    await checkbox(page, "connections").uncheck();
    await page.getByLabel("Filter").fill("type 6");
    const kept = () => linesOf(page);
    await page.getByText("first").first().waitFor({ state: "detached" });
    assert.equal((await kept()).length, 2);
    await page.locator(".filters select").selectOption({ label: "2 client" });
    await comesTrue(page, "document.querySelectorAll('.timeline li').length === 1");
    assert.deepEqual(await kept(), ["2 → message type 6 · 6 B · second"]);
    await page.getByLabel("Filter").fill("");
    await checkbox(page, "messages").uncheck();
    await page.locator(".summary", { hasText: "second" }).waitFor({ state: "detached" });
    assert.deepEqual(
      (await kept()).map((line) => line.split(" ")[2]),
      ["request", "answer"],
    );
  });

  test("stays usable while 10,000 messages a second pass, and loses count of none", async (t) => {
    const { page } = await opened(t, { side: "client" });
    const { client } = await talkative(t);
    const stop = new AbortController();
    t.after(() => stop.abort());
    let written = 0;
    const flood = (async () => {
      const since = performance.now();
      while (!stop.signal.aborted) {
        // As many as are due.
        for (const due = (performance.now() - since) * 10; written < due; written++)
          await client.write(7, "");
        await pause(5);
      }
    })();
    await until(() => written > 10_000);
    await client.write(99, "");
    // What a user does meanwhile: chooses, types, and finds.
    await checkbox(page, "messages").uncheck();
    await page.getByText("message", { exact: true }).first().waitFor({ state: "detached" });
    await checkbox(page, "messages").check();
    await page.keyboard.press("/");
    await page.keyboard.type("type 7");
    await page.getByText("type 7").first().waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    const frozen = await page.locator(".counts").innerText();
    await page.getByRole("button", { name: "Go on" }).click();
    await comesTrue(page, `document.querySelector(".counts").innerText !== ${JSON.stringify(frozen)}`);
    stop.abort();
    await flood;
    const total = written + 1;
    const shown = `[data-connection='1'] [data-head='Sent']`;
    await page.locator(shown).getByText(total.toLocaleString("en")).waitFor();
    // Each is told, or counted as too fast for the page; besides them, how the connection began, and its queue.
    await comesTrue(
      page,
      `(() => {
      const numbers = document.querySelector(".counts").innerText.replaceAll(",", "").match(/\\d+ (events|came)/g);
      return numbers.reduce((sum, text) => sum + parseInt(text), 0) >= ${total};
    })()`,
    );
    const rows = await page.locator(".timeline li").count();
    assert.ok(rows <= 200, `${rows} rows`);
  });

  test("fits a phone and a desktop without scrolling sideways, in light and dark colours", async (t) => {
    const { page } = await opened(t, { payloads: true, allowSend: true });
    const { client } = await talkative(t);
    await client.write(5, "x".repeat(5_000));
    await client.request(1, `{"path":"${"x".repeat(500)}"}`);
    await page.locator("tr[data-call='request 1']").waitFor();
    for (const summary of (await page.locator(".timeline summary").all()).slice(0, 3)) await summary.click();
    for (const width of [320, 360, 768, 1_280]) {
      await page.setViewportSize({ width, height: 800 });
      const overhang = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.ok(Number(overhang) <= 0, `${overhang} px at a width of ${width} px`);
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const colour = String(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      const [red = Number.NaN] = colour.match(/\d+/g)?.map(Number) ?? [];
      assert.equal(red > 128, colorScheme === "light", colour);
    }
  });

  test("can be used by keyboard alone", async (t) => {
    const { page } = await opened(t, { payloads: true, side: "client" });
    const { client } = await talkative(t);
    await client.write(5, "some data");
    await page.locator(".summary", { hasText: "some data" }).waitFor();
    const focused = () => page.evaluate("document.activeElement.id || document.activeElement.innerText");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Pause");
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("paused").waitFor();
    await page.keyboard.press("p");
    await page.getByRole("status").getByText("live").waitFor();
    await page.keyboard.press("/");
    assert.equal(await focused(), "filter");
    await page.keyboard.type("some");
    await comesTrue(page, "document.querySelectorAll('.timeline li').length === 1");
    // The connection, four kinds, the first line.
    for (let pressed = 0; pressed < 6; pressed++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".timeline pre").innerText(), "some data");
  });

  test("sends by its form, if the program allows that", async (t) => {
    const { page } = await opened(t, { allowSend: true, side: "client", payloads: true });
    await talkative(t);
    await page.getByRole("button", { name: "Send" }).and(page.locator(":enabled")).waitFor();
    await page.getByLabel("of type").fill("1");
    await page.getByLabel("with the data").fill("why?");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText(/answered in [\d.]+ ms, 4 bytes: WHY\?/).waitFor();
    await page.getByLabel("of type").fill("4");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText(/failed: ERR_NO_HANDLER/).waitFor();
  });

  test("saves a recording that `sealpipe replay` says again", async (t) => {
    const { page } = await opened(t, { payloads: true, side: "client" });
    const { client, server } = await talkative(t);
    await client.request(1, "why?");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save recording" }).click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "recording.ndjson");
    const text = readFileSync(await download.path(), "utf8");
    const child = startSealpipe(["replay", server.name, "-", "--check", "--speed", "max"]);
    child.stdin.end(text);
    const { exitCode, records, stderr } = await endOf(child);
    assert.equal(exitCode, 0, stderr);
    assert.equal(records.find(({ kind }) => kind === "answer")?.["text"], "WHY?");
  });

  test("says so when the process has closed its inspector, and takes its token out of the address", async (t) => {
    const { page, inspector, token, origin } = await opened(t);
    assert.equal(page.url(), `${origin}/`);
    assert.equal((await page.content()).includes(token), false);
    await page.reload();
    await page.getByRole("status").getByText("live").waitFor();
    await inspector.close();
    await page.getByRole("status").getByText(/^over/).waitFor();
  });

  test("says so when it has no token, or a wrong one", async (t) => {
    const { origin } = await inspected(t);
    const { page } = await pageOf(t);
    await page.goto(origin);
    await page.getByText("open the whole address").waitFor();
    await page.goto(`${origin}/#wrong`);
    await page.reload();
    await page.getByText("refused: wrong token").waitFor();
  });
});

describe("a browser, of the inspector", { skip: lacksChromium }, () => {
  test("runs no script that is put into the page", async (t) => {
    const parts = await inspected(t);
    const { page } = await pageOf(t);
    await page.goto(parts.inspector.url);
    const put = `(() => {
      const script = document.createElement("script");
      try { script.textContent = "window.ran = true"; document.head.append(script); } catch {}
      try { document.body.setAttribute("onclick", "window.ran = true"); document.body.click(); } catch {}
      try { location.href = "javascript:window.ran = true"; } catch {}
      return window.ran === undefined;
    })()`;
    assert.equal(await page.evaluate(put), true);
  });

  test("gives nothing to a page of another origin, even if that knows the token", async (t) => {
    const parts = await inspected(t, { allowSend: true });
    const other = createServer((_request, response) => response.end("<title>another</title>"));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => {
      other.closeAllConnections();
      other.close();
    });
    const { page } = await pageOf(t);
    await page.goto(`http://${foreignName}:${(other.address() as AddressInfo).port}/`);
    const tried = (path: string, init: object) =>
      page.evaluate(
        `fetch(${JSON.stringify(`${parts.origin}${path}`)}, ${JSON.stringify(init)}).then(() => "answered", () => "nothing")`,
      );
    const headers = { Authorization: `Bearer ${parts.token}` };
    for (const path of ["/events", "/recording", "/send"]) {
      assert.equal(await tried(path, { method: "POST", headers }), "nothing");
      assert.equal(await tried(path, { method: "POST" }), "nothing");
    }
    assert.equal(await tried("/", {}), "nothing");
  });

  test("is refused under a name of somebody else that resolves to this machine", async (t) => {
    const { port, token } = await inspected(t);
    const { page } = await pageOf(t);
    const response = await page.goto(`http://${foreignName}:${port}/#${token}`);
    assert.equal(response?.status(), 421);
    const fetched = `fetch("/recording", { method: "POST", headers: { Authorization: "Bearer ${token}" } }).then(({ status }) => status)`;
    assert.equal(await page.evaluate(fetched), 421);
  });

  test("shows the page as docs/inspector.md does", async (t) => {
    const viewport = { width: 1100, height: 1000 };
    const { page } = await opened(
      t,
      { payloads: true, side: "client", contracts: [notes], title: "the editor" },
      { viewport },
    );
    const { client } = await talkative(t);
    for (let asked = 1; asked <= 40; asked++) {
      await client.request(1, `{"path":"notes/${asked}.txt"}`);
      if (asked % 8 === 0) await client.write(5, `"notes/${asked}.txt"`);
    }
    await assert.rejects(client.request(2, ""));
    await comesTrue(
      page,
      "document.querySelector('polyline.line-0').getAttribute('points').split(' ').length > 2",
    );
    await page.locator("tr[data-call='request 2'] [data-head='Done']", { hasText: "1" }).waitFor();
    const directory = process.env["SEALPIPE_SCREENSHOTS"];
    const path = directory === undefined ? {} : { path: `${directory}/inspector.png` };
    const picture = await page.screenshot(path);
    assert.ok(picture.length > 10_000);
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    const docs = readFileSync(`${root}docs/inspector.md`, "utf8");
    assert.match(docs, /!\[[^\]]+\]\(inspector\.png\)/);
  });
});
