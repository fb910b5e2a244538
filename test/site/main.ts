// Looks at the built site in Chromium, page by page at a phone's width: links and their headings, the console, what scrolls
// sideways, the search. `--screenshots DIRECTORY` also keeps pictures of some pages.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { errorCodes } from "#dist/errors.js";
import { lacksChromium, launchChromium } from "../support/chromium.ts";

const site = fileURLToPath(new URL("../../../site/build/dist/", import.meta.url));
const { values } = parseArgs({ options: { screenshots: { type: "string" } } });
const phone = { width: 390, height: 844 };
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".json": "application/json",
};

async function main(): Promise<void> {
  const server = createServer((request, response) => {
    const file = fileAt(new URL(request.url ?? "/", "http://site").pathname);
    response.writeHead(file === undefined ? 404 : 200, {
      "content-type": types[extname(file ?? "")] ?? "text/plain",
    });
    response.end(file === undefined ? "there is no such page" : readFileSync(file));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium();
  try {
    const context = await browser.newContext({ viewport: phone });
    const page = await context.newPage();
    const faults: string[] = [];
    watch(page, origin, faults);
    const looked = new Map<string, Looked>();
    for (const path of pagePaths()) looked.set(path, await look(page, origin + path, faults));
    const links = checkLinks(looked, faults);
    const errors = looked.get("/errors")?.ids ?? [];
    for (const code of Object.keys(errorCodes))
      if (!errors.includes(code.toLowerCase())) faults.push(`/errors has no heading to link to for ${code}`);
    await search(page, origin);
    if (values.screenshots !== undefined) await takePictures(page, origin, values.screenshots);
    assert.deepEqual(faults, []);
    assert.ok(looked.size > 30 && links > 1_000, `${looked.size} pages, ${links} links`);
    console.log(
      `ok: ${looked.size} pages with ${links} links between them, at ${phone.width} pixels, and the search`,
    );
  } finally {
    await browser.close();
    server.close();
  }
}

/** As servers with clean addresses do: `/errors` is `errors.html`. */
function fileAt(path: string): string | undefined {
  const file = join(site, normalize(decodeURIComponent(path)));
  return [file, `${file}.html`, join(file, "index.html")].find(
    (candidate) => existsSync(candidate) && statSync(candidate).isFile(),
  );
}

function pagePaths(): string[] {
  return readdirSync(site, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".html") && file !== "404.html" && !file.startsWith("files/"))
    .map((file) => `/${file.replace(/(^|\/)index\.html$/, "$1").replace(/\.html$/, "")}`);
}

interface Looked {
  /** What links may name after `#`. */
  readonly ids: readonly string[];
  /** Paths of this site, with what comes after `#`. */
  readonly links: readonly string[];
}

/** What Chromium runs. Tests are compiled without the names of a page. */
const looking = `({
  ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
  links: [...document.querySelectorAll("a[href]")]
    .filter((link) => link.origin === location.origin)
    .map((link) => link.pathname + link.hash),
  width: document.documentElement.scrollWidth,
  text: document.querySelector(".vp-doc")?.textContent.length ?? 0,
})`;

function watch(page: Page, origin: string, faults: string[]): void {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${page.url()} says: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${page.url()} throws: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:"))
      faults.push(`${page.url()} asks for ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400)
      faults.push(`${page.url()} gets ${response.status()} for ${response.url()}`);
  });
}

async function look(page: Page, address: string, faults: string[]): Promise<Looked> {
  await page.goto(address, { waitUntil: "load" });
  const found = (await page.evaluate(looking)) as Looked & { readonly width: number; readonly text: number };
  if (found.width > phone.width) faults.push(`${address} is ${found.width} pixels wide`);
  if (found.text < 100) faults.push(`${address} is empty`);
  return found;
}

/** How many links there are between the pages. */
function checkLinks(looked: ReadonlyMap<string, Looked>, faults: string[]): number {
  let count = 0;
  for (const [path, { links }] of looked) {
    for (const link of new Set(links)) {
      count += 1;
      const [target = "", heading] = link.split("#");
      const ids = looked.get(target)?.ids;
      if (ids === undefined && fileAt(target) === undefined)
        faults.push(`${path} links to ${link}, which is nowhere`);
      else if (heading !== undefined && heading !== "" && ids?.includes(decodeURIComponent(heading)) !== true)
        faults.push(`${path} links to ${link}, and there is no such heading`);
    }
  }
  return count;
}

async function search(page: Page, origin: string): Promise<void> {
  await page.goto(origin);
  await page.locator("#local-search button").click();
  await page.locator(".VPLocalSearchBox input").fill("connectOrSpawn");
  await page.locator('.VPLocalSearchBox a[href*="sidecars"]').first().waitFor();
}

async function takePictures(page: Page, origin: string, directory: string): Promise<void> {
  for (const [name, path, width] of [
    ["home", "/", 1280],
    ["home-phone", "/", phone.width],
    ["errors", "/errors#err_connect_failed", 1280],
    ["api", "/api/sealpipe/port", 1280],
  ] as const) {
    await page.setViewportSize({ width, height: 844 });
    await page.goto(origin + path, { waitUntil: "networkidle" });
    await page.screenshot({ path: join(directory, `site-${name}.png`) });
  }
}

if (lacksChromium !== false) console.log(lacksChromium);
else await main();
