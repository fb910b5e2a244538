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
const host = readFileSync(new URL("host.html", import.meta.url));
const files = createServer((request, response) => {
  const path = request.url;
  const type = extname(path) === ".js" ? "text/javascript" : "text/html";
  response.writeHead(200, { "content-type": type });
  response.end({ "/": host, "/elsewhere": elsewhere }[path] ?? readFileSync(join(folder, path)));
}).listen(0, "127.0.0.1");
await once(files, "listening");
const origin = `http://127.0.0.1:${files.address().port}`;

/** The page in a frame of another one, which holds the other end of its port until the page has gone. */
async function converse(browser, { leave, counts, drops = () => false }) {
  const page = await browser.newPage({ viewport: { width: 800, height: 420 } });
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));

  /** The bridge's end. */
  const port = Object.assign(new EventEmitter(), {
    items: 0,
    came: [],
    postMessage(frame) {
      if (frame[0] === "item") port.items += 1;
      page.evaluate((text) => window.fromBridge(text), JSON.stringify(frame)).catch(() => {});
    },
    close() {},
    addEventListener: (type, listener) => port.on(type, listener),
  });
  await page.exposeFunction("toBridge", (text) => {
    const frame = JSON.parse(text);
    port.came.push(frame[0] === "close" ? "close" : frame);
    if (frame === "the port has closed") port.emit("close");
    else if (!drops(frame)) port.emit("message", { data: frame });
  });

  const hangs = once(told, "hangs");
  await page.goto(origin);
  const bridge = bridgePort(port, app, notes, { allow: ["add", "hang", "count", "changed"] });
  await hangs;
  const lines = await page.frameLocator("iframe").locator("li").allTextContents();
  assert.deepEqual(lines, [
    '"hello" has 5 characters',
    "changed: hello",
    "three items of a stream were read",
    "there is no secret",
    "asked for all the same: ERR_NOT_ALLOWED",
    "add(5): ERR_INVALID_INPUT",
    "a call hangs",
  ]);
  if (counts) await countOn(page, port);

  const cancelled = [once(told, "cancelled"), once(told, "stopped")];
  await page.evaluate(leave, `${origin}/elsewhere`);
  await Promise.all(cancelled);
  assert.ok(bridge.signal.aborted);
  assert.equal(bridge.error, undefined);
  assert.deepEqual(faults, []);
  await page.close();
  return port.came;
}

async function countOn(page, port) {
  // The page has read three and gives credit in halves of 16: no more than 16 came, and the daemon waits.
  while (port.items < 16) await page.evaluate(() => {});
  assert.equal(port.items, 16);
  await page.evaluate(async () => {
    for (let number = 4; number <= 40; number++) await window.frames[0].counted.read();
  });
  assert.ok(port.items >= 40 && port.items <= 56, `${port.items} items`);
  assert.ok(counted < 100_000, "the daemon waits, too");
  if (picture) await page.screenshot({ path: picture });
}

const navigates = (url) => {
  document.querySelector("iframe").src = url;
};
const isRemoved = () => document.querySelector("iframe").remove();
const eventOfPorts = "the port has closed";

try {
  // Chromium does not tell of a port that the other end is gone: the page does so as it goes.
  const browser = await launchChromium();
  try {
    for (const leave of [navigates, isRemoved]) {
      const came = await converse(browser, { leave, counts: leave === navigates });
      assert.equal(came.at(-1), "close");
      assert.ok(!came.includes(eventOfPorts));
    }
  } finally {
    await browser.close();
  }
  // With this switch it does, as HTML's standard has it, also of a page that says nothing.
  const telling = await launchChromium(["--enable-blink-features=MessagePortCloseEvent"]);
  try {
    for (const leave of [navigates, isRemoved]) {
      const came = await converse(telling, { leave, drops: ([word]) => word === "close" });
      assert.ok(came.includes(eventOfPorts));
    }
  } finally {
    await telling.close();
  }
} finally {
  files.close();
  await app.close();
  await daemon.close();
}
console.log("the page talked");
