import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchRuntime, type LinuxRuntime } from "./runtimes.ts";

const tests = fileURLToPath(new URL("../", import.meta.url));
const package_ = fileURLToPath(new URL("../../../", import.meta.url));
const reports = fileURLToPath(new URL("../../platforms/", import.meta.url));

/** Two at a time, as the machines that run it have two processors. */
const concurrency = 2;
const fileTimeoutMs = 120_000;

/** What became of the tests of one file. */
export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly skipped: number;
  /** The names of the tests that failed, or what the program did instead of reporting. */
  readonly failed: readonly string[];
}

/** Of these, other programs and the test runner itself are the subject, which are the same everywhere. */
const aside = /^(interop|platform|cli|fuzz|soak|support|architecture|documentation)\//;

/** Every file of tests that says something of a runtime; with `parts`, those whose path has one of them. */
export function suiteFiles(parts: readonly string[]): string[] {
  return (readdirSync(tests, { recursive: true }) as string[])
    .filter((file) => file.endsWith(".test.js") && !aside.test(file))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort();
}

/** Runs the files with that runtime, a process for each. */
export async function runSuite(runtime: LinuxRuntime, files: readonly string[]): Promise<FileResult[]> {
  const program = fetchRuntime(runtime);
  const waiting = [...files];
  const results: FileResult[] = [];
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      results.push(await runFile({ runtime, program, file }));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file));
}

async function runFile(given: { runtime: LinuxRuntime; program: string; file: string }): Promise<FileResult> {
  const { runtime, program, file } = given;
  mkdirSync(reports, { recursive: true });
  const report = `${reports}${process.pid}-${file.replaceAll("/", "-")}.xml`;
  const child = spawn(program, runtime.testArguments(`${tests}${file}`, report), {
    cwd: package_,
    // In a group of its own, so that what it leaves behind can be ended with it.
    detached: true,
    stdio: "ignore",
  });
  const ended = await endOf(child);
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  rmSync(report, { force: true });
  const { passed, skipped, failed } = readReport(xml);
  const silent = ended !== "0" && failed.length === 0 ? [`${basename(file)} ended with ${ended}`] : [];
  return { file, passed, skipped, failed: [...failed, ...silent] };
}

async function endOf(child: ChildProcess): Promise<string> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    endGroup(child);
  }, fileTimeoutMs);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(timer);
  endGroup(child);
  return timedOut ? `nothing in ${fileTimeoutMs / 1_000} s` : String(code ?? signal);
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}

function readReport(xml: string): Pick<FileResult, "passed" | "skipped" | "failed"> {
  const results: { readonly name: string; readonly body: string }[] = [];
  for (const [, attributes = "", , body = ""] of xml.matchAll(
    /<testcase\b([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "a test";
    // Deno lists a group of tests beside them.
    if (!xml.includes(` name="${name} &gt; `)) results.push({ name: withoutEntities(name), body });
  }
  const failed = results.filter(({ body }) => /<(failure|error)\b/.test(body)).map(({ name }) => name);
  const skipped = results.filter(({ body }) => /<skipped\b/.test(body)).length;
  return { passed: results.length - failed.length - skipped, skipped, failed };
}

function withoutEntities(text: string): string {
  return text
    .replaceAll("&apos;", "'")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&");
}
