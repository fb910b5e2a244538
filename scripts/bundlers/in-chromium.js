// Serves a daemon, opens the built page in Chromium, and has its frames cross to a bridge in this process.
// Arguments: the folder of the page, the name of the daemon, the module that starts Chromium, a file for a picture of it or nothing.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { connect, serve } from "sealpipe/contract";
import { bridgePort } from "sealpipe/port";
import { notes } from "./notes.js";

const [, , folder, name, chromium, picture] = process.argv;
const { launchChromium } = await import(chromium);

const told = new EventEmitter();
let counted = 0;
const daemon = await serve(name, notes, {
  add(text) {
    daemon.emit.changed(text);
    return text.length;
  },
  async hang(_, { signal }) {
    told.emit("hangs");
    await once(signal, "abort");
    told.emit("cancelled");
  },
  async *count(upTo, { signal }) {
    signal.addEventListener("abort", () => told.emit("stopped"));
    for (let number = 1; number <= upTo; number++) {
      counted = number;
      yield number;
    }
  },
  secret: () => "a secret",
});
const app = await connect(name, notes);

const elsewhere = '<!doctype html><link rel="icon" href="data:," />another page';
const files = createServer((request, response) => {
  const path = request.url === "/" ? "/page.html" : request.url;
  const type = extname(path) === ".js" ? "text/javascript" : "text/html";
  response.writeHead(200, { "content-type": type });
  response.end(path === "/elsewhere" ? elsewhere : readFileSync(join(folder, path)));
}).listen(0, "127.0.0.1");
await once(files, "listening");
const origin = `http://127.0.0.1:${files.address().port}`;

const browser = await launchChromium();
try {
  const page = await browser.newPage({ viewport: { width: 800, height: 420 } });
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));

  /** The bridge's end: what it posts goes to the page, which may have gone. */
  const port = Object.assign(new EventEmitter(), {
    items: 0,
    postMessage(frame) {
      if (frame[0] === "item") port.items += 1;
      page.evaluate((text) => window.fromBridge(text), JSON.stringify(frame)).catch(() => {});
    },
    close() {},
    addEventListener: (type, listener) => port.on(type, listener),
  });
  let bridge;
  await page.exposeFunction("toBridge", (frame) => {
    if (frame === "") bridge = bridgePort(port, app, notes, { allow: ["add", "hang", "count", "changed"] });
    else port.emit("message", { data: JSON.parse(frame) });
  });
  // A window that shows something else has closed its port.
  page.on("framenavigated", () => bridge && port.emit("close"));

  const hangs = once(told, "hangs");
  await page.goto(origin);
  await hangs;
  const lines = await page.locator("li").allTextContents();
  assert.deepEqual(lines, [
    '"hello" has 5 characters',
    "changed: hello",
    "three items of a stream were read",
    "there is no secret",
    "asked for all the same: ERR_NOT_ALLOWED",
    "add(5): ERR_INVALID_INPUT",
    "a call hangs",
  ]);
  // The page has read three and gives credit in halves of 16: no more than 16 came, and the daemon waits.
  while (port.items < 16) await page.evaluate(() => {});
  assert.equal(port.items, 16);
  await page.evaluate(async () => {
    for (let number = 4; number <= 40; number++) await window.counted.read();
  });
  assert.ok(port.items >= 40 && port.items <= 56, `${port.items} items`);
  assert.ok(counted < 100_000, "the daemon waits, too");
  if (picture) await page.screenshot({ path: picture });

  const cancelled = [once(told, "cancelled"), once(told, "stopped")];
  await page.goto(`${origin}/elsewhere`);
  await Promise.all(cancelled);
  assert.ok(bridge.signal.aborted);
  assert.deepEqual(faults, []);
} finally {
  await browser.close();
  files.close();
  await app.close();
  await daemon.close();
}
console.log("the page talked");
