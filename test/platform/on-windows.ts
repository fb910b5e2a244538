import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildGoEnd } from "../support/go-end.ts";
import { buildGoPeer, goVersions, lacksGo } from "../support/go-peer.ts";
import { skippedFor } from "../support/toolchains.ts";
import { fetchRuntime, type Runtime } from "./runtimes.ts";
import { lacksWine, prepareWine, runOnWine, windowsPath } from "./wine.ts";

const skip = skippedFor(lacksWine);
const root = fileURLToPath(new URL("../", import.meta.url));
const goPeers = fileURLToPath(new URL("../../interop", import.meta.url));

/** Files that have nothing to run there, by their names or their paths. */
const notThere = new Set([
  // Unix sockets, their owners and their files.
  "address-holder",
  "endpoint/addresses",
  "dead-socket",
  "hostile-directory",
  "killed-servers",
  "liveness",
  "out-of-descriptors",
  "ownership",
  "runtime-directory",
  "socket-file",
  "transport/private-directory",
  "socket-table",
  "staging-directory",
  "trust",
  "unix-socket",
  "golang-ipc-liveness",
  // Commands of a shell, another sshd, containers, and compilers.
  "endpoint/via",
  "ssh",
  "transport/namespaces",
  "interop/contracts",
  // The pipe that reserves a Go server's name answers nothing on Wine, and this client does not try again.
  "go-admin",
  // Wine lets two servers have one pipe's name.
  "server-address",
  "simultaneous-starts",
  // Programs that are built as the test runs, where there is no Go; and a build of the commit before, where there is no git.
  "go-docs",
  "go-drop-in",
  "previous-build",
  // Unix sockets, signals, or 2000 handshakes.
  "go-live",
  // Windows has no Python here.
  "blocking-python-go",
  "python-ends",
  "python-go",
  "racing",
  // A process's memory can be read on Linux alone.
  "wiped-memory",
  // A file is renamed there, and its place held, as on other systems; its servers need neither.
  "without-links",
  // Signals, shells, and files of Linux'; `sidecar/every-platform` has what holds there, too. Windows has no Python here.
  "connect-or-spawn",
  "go-sidecar",
  "orphans",
  "python-sidecar",
  "serve-or-connect",
  "spawn-sidecar",
  // Nothing of a platform's.
  "go-sources",
  "loading",
  "memory",
]);

/** What a file that has nothing of it does is the same on every platform. */
const connects =
  /support\/(endpoints|children|go-peer|go-library|accepting|raw-peer|resumable-pair|relay)\.js|startServer|node:net/;

function testFiles(...directories: readonly string[]): string[] {
  return directories.flatMap((directory) =>
    readdirSync(`${root}${directory}`, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.js") && !notThere.has(basename(file, ".test.js")))
      .map((file) => `${directory}/${file}`)
      .filter((file) => !notThere.has(file.slice(0, -".test.js".length)))
      .filter((file) => connects.test(readFileSync(`${root}${file}`, "utf8"))),
  );
}

/** Whatever is most about pipes. */
export const aboutPipes =
  /named-pipe|net-|backpressure|close|client-reconnect|handed-in|lost-with|other-process|process-exit|golang-ipc\.test/;

/** Of tests that talk to programs in Go, which are built here. */
function buildGoPeers(folders: readonly string[]): void {
  if (folders.includes("interop")) for (const version of goVersions) buildGoPeer(version, "win32");
  if (folders.includes("interop") || folders.includes("sidecar")) buildGoEnd("win32");
}

async function runFile(t: TestContext, runtime: Runtime, file: string): Promise<void> {
  const node = windowsPath(fetchRuntime(runtime));
  const { exitCode, output, crashes } = await runOnWine([node, windowsPath(`${root}${file}`)], {
    environment: {
      SEALPIPE_TEST_WINE: "1",
      ...(lacksGo() === false && { SEALPIPE_TEST_GO_PEERS: windowsPath(goPeers) }),
    },
    timeoutMs: 300_000,
  });
  const count = (what: string): number =>
    Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  if (crashes > 0) t.diagnostic(`Wine's own server died ${crashes} times, so this was begun again`);
  assert.equal(exitCode, 0, output);
  assert.ok(count("pass") > 0, output);
  t.diagnostic(`${count("pass")} pass, ${count("skipped")} skipped`);
}

/** A test for each file of those folders that fits, run by that Node. */
export function testOnWindows(
  runtime: Runtime,
  folders: readonly string[],
  { fits = /./ }: { readonly fits?: RegExp } = {},
): void {
  const skipGo = folders.includes("interop") && lacksGo();
  describe(`on Windows, with ${runtime.title}: ${folders.join(", ")}`, {
    skip: skip || skipGo,
    concurrency: 2,
  }, () => {
    before(async () => {
      await prepareWine();
      if (lacksGo() === false) buildGoPeers(folders);
    });
    for (const file of testFiles(...folders).filter((path) => fits.test(path))) {
      test(`${file} passes`, (t) => runFile(t, runtime, file));
    }
  });
}
