// Loaded into the process of each test file before the file itself. The file fails if its tests leave something
// behind: something that keeps the process alive once they are over, or handles, timers and descriptors at its exit
// that it did not have before.

import { readdirSync, readlinkSync } from "node:fs";
import { after } from "node:test";
import nodeTimers from "node:timers";

/** A handle of libuv in Node's report. */
interface Handle {
  readonly type: string;
  readonly is_referenced: boolean;
  readonly fd?: number;
  readonly filename?: string;
  readonly pid?: number;
  readonly signal?: string;
}

/** Node has these of its own; all its timers are one `timer`. */
const ownHandles = new Set(["async", "check", "idle", "loop", "prepare", "timer"]);
/**
 * The event loop's: epoll, eventfd, the one inotify that it keeps once it has watched a file, and the spare descriptor that
 * it keeps once it has listened, to accept and drop a client when there are no others left.
 */
const ownDescriptors = /^\d+ (anon_inode:|\/dev\/null$|\/$)/;
const patienceMs = 10_000;

const handlesBefore = new Set(handles());
const descriptorsBefore = new Set(descriptors());
const timers = watchTimers();

// Node's test runner ends with the event loop, so whatever keeps that alive would only show as a test file that takes
// too long.
after(() => {
  const { setTimeout } = timers;
  setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(", ");
    complain(`${patienceMs / 1_000} s after the last test the process is kept awake by ${left}`);
    process.exit();
  }, patienceMs).unref();
});

process.on("exit", () => {
  for (const handle of handles()) {
    if (!handlesBefore.has(handle)) complain(`a test left a handle behind: ${handle}`);
  }
  for (const descriptor of descriptors()) {
    if (!descriptorsBefore.has(descriptor)) complain(`a test left a descriptor behind: ${descriptor}`);
  }
  for (const origin of timers.left()) complain(`a test left a timer behind, made ${origin}`);
});

function complain(text: string): void {
  process.stderr.write(`✖ ${text}\n`);
  process.exitCode = 1;
}

/** Also those that do not keep the process awake, such as of a socket that nobody reads, which nothing else tells. */
function handles(): string[] {
  if (process.report === undefined) return [];
  // Looking up the names of peers takes long.
  Object.assign(process.report, { excludeNetwork: true });
  // Deno's report has none.
  const { libuv = [] } = process.report.getReport() as unknown as { libuv?: readonly Handle[] };
  return libuv.filter(({ type }) => !ownHandles.has(type)).map(handleText);
}

function handleText({ type, is_referenced, fd, filename, pid, signal }: Handle): string {
  const known = Object.entries({ fd, filename, pid, signal }).filter(([, value]) => value !== undefined);
  return [is_referenced ? type : `unreferenced ${type}`, ...known.map((pair) => pair.join(" "))].join(", ");
}

/** Platform: Linux. Elsewhere there is no list of them. */
function descriptors(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd")
    .flatMap((descriptor) => descriptorText(descriptor) ?? [])
    .filter((text) => !ownDescriptors.test(text));
}

function descriptorText(descriptor: string): string | undefined {
  try {
    return `${descriptor} ${readlinkSync(`/proc/self/fd/${descriptor}`)}`;
  } catch {
    // The one by which the list was read.
    return undefined;
  }
}

/** Node does not list timers that do not keep the process alive, so each is recorded when it is created. */
function watchTimers(): { readonly setTimeout: typeof setTimeout; left(): string[] } {
  const made = new Map<NodeJS.Timeout & { _destroyed?: boolean }, Error>();
  const { setTimeout, setInterval } = globalThis;
  const noting = <A extends unknown[]>(make: (...args: A) => NodeJS.Timeout) => {
    const note = (...args: A): NodeJS.Timeout => {
      const timer = make(...args);
      // Its text, which costs more, is only made where it is told.
      made.set(timer, new Error("made"));
      if (made.size % 1_000 === 0) forgetPast();
      return timer;
    };
    // Such as the form of it that gives a promise.
    return Object.defineProperties(note, Object.getOwnPropertyDescriptors(make));
  };
  const forgetPast = (): void => {
    for (const timer of made.keys()) if (timer._destroyed) made.delete(timer);
  };
  const watched = { setTimeout: noting(setTimeout), setInterval: noting(setInterval) };
  // The library takes them from the module.
  Object.assign(globalThis, watched);
  Object.assign(nodeTimers, watched);
  return {
    setTimeout,
    left() {
      forgetPast();
      return [...made.values()].map(({ stack }) => stack?.split("\n")[2]?.trim() ?? "somewhere");
    },
  };
}
