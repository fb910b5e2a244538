import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "./free-ports.ts";
import { until } from "./waiting.ts";

const root = new URL("../../../", import.meta.url);

/** The real OpenTelemetry collector, until the test is over. It receives OTLP over HTTP at `url`. */
export interface Collector {
  readonly url: string;
  /** Waits until what it has written of what it got has all of these. */
  untilWritten(...texts: readonly string[]): Promise<void>;
  readonly written: string;
}

/** Builds it first, which takes a minute or two where Go has not built it before. */
export async function startCollector(t: TestContext): Promise<Collector> {
  const program = fileURLToPath(new URL("build/interop/otel-collector", root));
  mkdirSync(fileURLToPath(new URL("build/interop/", root)), { recursive: true });
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: fileURLToPath(new URL("interop/otel-collector/", root)),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [port = 0] = await freePorts(1);
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { debug: { verbosity: "detailed" } },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: ["debug"] } },
    },
  };
  // JSON is YAML.
  const child = spawn(program, ["--config", `yaml:${JSON.stringify(config)}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let written = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    written += text;
  });
  t.after(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  const untilWritten = (...texts: readonly string[]): Promise<void> =>
    until(() => texts.every((text) => written.includes(text)));
  await untilWritten("Everything is ready");
  return {
    url: `http://127.0.0.1:${port}`,
    untilWritten,
    get written() {
      return written;
    },
  };
}
