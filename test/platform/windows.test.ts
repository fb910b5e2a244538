import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildGoPeer, goVersions, lacksGo } from "../support/go-peer.ts";
import { skippedFor } from "../support/toolchains.ts";
import { fetchRuntime, type Runtime, windowsNodes } from "./runtimes.ts";
import { endWine, lacksWine, prepareWine, runOnWine, windowsPath } from "./wine.ts";

const skip = skippedFor(lacksWine);
const root = fileURLToPath(new URL("../", import.meta.url));

/** Files that have nothing to run there. */
const notThere = new Set([
  // Unix sockets, their owners and their files.
  "dead-socket",
  "killed-servers",
  "liveness",
  "ownership",
  "runtime-directory",
  "socket-file",
  "socket-table",
  "staging-directory",
  // Not there yet, see below.
  "client-reconnect",
  "other-process",
  "trust",
  "unix-socket",
  "golang-ipc-liveness",
  // Wine lets two servers have one pipe's name.
  "server-address",
  "simultaneous-starts",
  // Nothing of a platform's.
  "go-sources",
  "loading",
]);

/** What a file that has nothing of it does is the same on every platform. */
const connects =
  /support\/(endpoints|children|go-peer|accepting|raw-peer|resumable-pair|relay)\.js|startServer|node:net/;

function testFiles(...directories: readonly string[]): string[] {
  return directories.flatMap((directory) =>
    readdirSync(`${root}${directory}`)
      .filter((file) => file.endsWith(".test.js") && !notThere.has(basename(file, ".test.js")))
      .map((file) => `${directory}/${file}`)
      .filter((file) => connects.test(readFileSync(`${root}${file}`, "utf8"))),
  );
}

const ours = testFiles("conformance", "transport", "endpoint");
const withGo = testFiles("interop");
/**
 * Of the endpoints' tests those that are about what a connection does, and as many as Wine gets through in a few minutes.
 * `client-reconnect` and `other-process` do not pass there yet: a pipe whose server is going tells so half a minute late.
 */
const chosen =
  /conformance|transport|endpoint.(async|authentication|client\.|close|connection|endpoint|flush|gives|keepalive|reading|requests-both|resume|writing)/;

/** What a further Node runs: whatever is most about pipes. */
const aboutPipes = /conformance|named-pipe|net-|close|client-reconnect|lost-with|other-process|golang-ipc$/;

/** Of tests that talk to golang-ipc, whose programs are built here. */
function buildGoPeers(): void {
  for (const version of goVersions) buildGoPeer(version, "win32");
}

async function runFile(t: TestContext, runtime: Runtime, file: string): Promise<void> {
  const node = windowsPath(fetchRuntime(runtime));
  const { exitCode, output } = await runOnWine([node, windowsPath(`${root}${file}`)], {
    environment: {
      SEALPIPE_TEST_WINE: "1",
      SEALPIPE_TEST_GO_PEERS: windowsPath(fileURLToPath(new URL("../../interop", import.meta.url))),
    },
  });
  const count = (what: string): number =>
    Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  assert.equal(exitCode, 0, output);
  assert.ok(count("pass") > 0, output);
  t.diagnostic(`${count("pass")} pass, ${count("skipped")} skipped`);
}

windowsNodes.forEach((runtime, index) => {
  const isWanted = (file: string): boolean =>
    (index === 0 && (chosen.test(file) || file.startsWith("interop"))) ||
    aboutPipes.test(file.replace(".test.js", ""));

  describe(`on Windows, with ${runtime.title}`, { skip, concurrency: 2 }, () => {
    before(prepareWine);
    after(endWine);
    for (const file of ours.filter(isWanted)) test(`${file} passes`, (t) => runFile(t, runtime, file));

    describe("beside golang-ipc as a program of Windows'", { skip: lacksGo() }, () => {
      before(buildGoPeers);
      for (const file of withGo.filter(isWanted)) {
        test(`${file} passes`, (t) => runFile(t, runtime, file));
      }
    });
  });
});
