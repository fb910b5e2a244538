import { type Duplex, finished } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { dial as dialServer, SealpipeError } from "../../index.ts";
import { command } from "../command.ts";
import { addressOptions, addressValues, clientOptions, trustValue } from "../connecting.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { durationMs } from "../quantities.ts";

/** How long a server may take to close once nothing more can come from the other end, in milliseconds. */
const closeMs = 60_000;
const retryMs = 100;

export const dial = command({
  name: "dial",
  summary: "Join stdin and stdout with a server's socket",
  arguments: [{ name: "NAME" }],
  details: [
    'A client elsewhere runs it by ssh or the like, by its option `via`: `["ssh", "-T", HOST, "sealpipe", "dial", NAME]`. It passes' +
      " bytes on and takes no part in the protocol, which is sealed from end to end; but it checks who owns the socket, as that" +
      " client cannot.",
    "It ends when the server closes the connection, or when its standard input has ended and the server has closed in turn.",
  ],
  options: {
    ...addressOptions,
    trust: clientOptions.trust,
    wait: clientOptions.wait,
  },
  examples: [
    {
      command: "ssh -T host sealpipe dial my-app",
      what: "what a client runs that is to reach my-app on another host",
    },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    if (stdin.isTTY === true) {
      throw new UsageError(
        "standard input is a terminal, which changes bytes: run it by a client's `via`, and ssh with -T",
      );
    }
    const [name = ""] = positionals;
    const until = performance.now() + (values.wait === undefined ? 0 : durationMs(values.wait, "wait"));
    const options = { ...addressValues(values), trust: trustValue(values.trust), signal };
    return join(stdin, await connected(() => dialServer(name, options), until, signal), output);
  },
});

async function connected(
  connect: () => Promise<Duplex>,
  until: number,
  signal: AbortSignal,
): Promise<Duplex> {
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const isAbsent = error instanceof SealpipeError && error.code === "ERR_CONNECT_FAILED";
      if (!isAbsent || performance.now() >= until) throw error;
      await pause(retryMs, undefined, { signal });
    }
  }
}

/** Passes bytes on both ways until the server closes. */
async function join(stdin: NodeJS.ReadableStream, server: Duplex, output: Output): Promise<ExitCode> {
  let timer: NodeJS.Timeout | undefined;
  stdin.once("end", () => {
    timer = setTimeout(() => server.destroy(), closeMs);
  });
  stdin.once("error", () => server.destroy());
  stdin.pipe(server);
  try {
    // A loop over the stream itself would destroy it, and with it what the server still has to get.
    for await (const chunk of server.iterator({ destroyOnReturn: false })) await output.raw(chunk);
    stdin.unpipe(server);
    server.end();
    await new Promise<void>((resolve) => finished(server, () => resolve()));
    return exitCodes.done;
  } catch (error) {
    output.fail(`sealpipe dial: the server's connection broke: ${(error as Error).message}`);
    return exitCodes.lost;
  } finally {
    clearTimeout(timer);
    server.destroy();
  }
}
