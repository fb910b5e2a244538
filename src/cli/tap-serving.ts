import { createClient, startServer } from "../index.ts";
import type { OptionSpecs, ValuesOf } from "./command.ts";
import { clientOptions, clientValues, endValues, serverOptions } from "./connecting.ts";
import { UsageError } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { Tap, type TapOptions } from "./tap.ts";

/** Options of commands that are a tap. */
export const tapOptions = {
  ...clientOptions,
  "all-users": serverOptions["all-users"],
  as: {
    type: "string",
    value: "NAME",
    help: "the name at which clients connect to the tap; default NAME-tap",
  },
} as const satisfies OptionSpecs;

export interface TapServing extends Pick<TapOptions, "passed"> {
  /** Of the real server. */
  readonly name: string;
  readonly values: ValuesOf<typeof tapOptions>;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Checks what can be wrong before anything is begun. @throws UsageError */
export function tapName(name: string, values: ValuesOf<typeof tapOptions>): string {
  const as = values.as ?? `${name}-tap`;
  if (as === name) throw new UsageError("--as takes another name than NAME");
  clientValues(values);
  return as;
}

/** Carries what clients and the server say to each other, until the run is to stop. */
export async function serveTap({ name, values, output, signal, passed }: TapServing): Promise<void> {
  const as = tapName(name, values);
  const lines = new Tap({ connect: () => createClient(name, clientValues(values)), passed });
  const server = await startServer(as, { ...endValues(values), unmaskPermissions: values["all-users"] });
  const running = new Set<Promise<void>>();
  server.on("error", (error) => output.say(`${error.message} (${error.code})`));
  server.on("connection", (connection) => {
    const carried = lines.carry(connection).then((error) => {
      if (error !== undefined && !signal.aborted) output.say(`connection ${connection.id}: ${error.message}`);
      running.delete(carried);
    });
    running.add(carried);
  });
  output.say(`clients connect to ${server.address}; Ctrl-C ends it`);
  const stop = (): void => void server.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  await new Promise<void>((resolve) => server.on("close", resolve));
  await Promise.all(running);
}
