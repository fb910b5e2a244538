import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { skippedFor } from "./toolchains.ts";

/** The browser of the system's package manager: nothing downloads one. */
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/** Why tests in a browser cannot run, or `false` if they can: what node:test takes as `skip`. */
export const lacksChromium: string | false = skippedFor(
  executablePath === undefined ? "chromium is not installed" : false,
);

/** Debian's Chromium, without a window; `args` are further ones of its command line. Close it. */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    // Its sandbox does not start as root, which is what a build runs as; only pages of the tests are opened.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", ...args],
  });
}
