// Runs the compiled tests: all of them, or those whose path contains one of the arguments. With --realm each
// file runs in a realm of its own, as in Jest: the language's own classes differ there from those of Node's
// modules. Afterwards nothing may be left: no file of a test's name, no process that a test started.

import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const testDirectory = fileURLToPath(new URL("../build/test", import.meta.url));
const inRealm = process.argv.includes("--realm");
const parts = process.argv.slice(2).filter((argument) => argument !== "--realm");
const wanted = parts.filter((part) => !part.startsWith("!"));
const unwanted = parts.flatMap((part) => (part.startsWith("!") ? [part.slice(1)] : []));
const runId = randomUUID();
const leftNames = new RegExp(`^(sealpipe-test-${runId.slice(0, 8)}-|\\.sp-)`);

const files = readdirSync(testDirectory, { recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .filter((file) => !unwanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => (inRealm ? realmFile(file) : join(testDirectory, file)));

if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(", ")}`);
  process.exit(1);
}

// A run that breaks off must not look like one that passed.
let finished = false;
process.on("exit", () => {
  if (!finished) fail("the run broke off before its end");
});

// Every process that a test starts inherits this, so that a process which is left behind can be recognised.
process.env.SEALPIPE_TEST_RUN = runId;
const filesBefore = leftoverFiles();

// Node's runner hands its own arguments on to the process of each test file.
process.execArgv.push("--import", new URL("../build/test/support/leftovers.js", import.meta.url).href);

if (inRealm) process.execArgv.push("--experimental-vm-modules", "--no-warnings");

// Of a file, with all of its tests.
const timeout = process.env.SEALPIPE_THOROUGH === "1" ? 3_600_000 : 900_000;

run({ files, concurrency: 2, timeout })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .on("end", checkNothingIsLeft)
  .pipe(process.stdout);

async function checkNothingIsLeft() {
  // Another run on this machine may be binding a socket just now.
  await delay(200);
  finished = true;
  const files = leftoverFiles().filter((file) => !filesBefore.includes(file));
  for (const file of files) fail(`a test left the file /tmp/${file} behind`);
  for (const pid of leftoverProcesses()) {
    fail(`a test left a process behind: ${pid} ${readProcessFile(pid, "cmdline").replaceAll("\0", " ")}`);
    // Who reads this output waits for its end, and the process may have inherited it.
    kill(pid);
  }
}

function fail(message) {
  console.error(`✖ ${message}`);
  process.exitCode = 1;
}

/** One that runs that test file in a realm of its own. */
function realmFile(file) {
  const path = fileURLToPath(new URL(`../build/realm/${file}`, import.meta.url));
  const support = new URL("../build/test/support/in-realm.js", import.meta.url).href;
  const target = new URL(`../build/test/${file}`, import.meta.url).href;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { runInRealm } from "${support}";\nawait runInRealm("${target}");\n`);
  return path;
}

/** Platform: Windows has pipes instead, which are gone with their processes. */
function leftoverFiles() {
  if (process.platform === "win32") return [];
  return readdirSync("/tmp").filter((file) => leftNames.test(file));
}

/** Platform: Linux. Elsewhere there is no list of processes to read. */
function leftoverProcesses() {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => readProcessFile(pid, "environ").includes(`SEALPIPE_TEST_RUN=${runId}`));
}

function kill(pid) {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function readProcessFile(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
