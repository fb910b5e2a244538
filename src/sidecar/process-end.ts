import type { Server } from "../index.ts";

/** How a process that serves ends. */
export interface ProcessEnd<W> {
  /** What the program does at its end; it is waited for. */
  readonly onEnd: ((why: W) => Promise<void> | void) | undefined;
  /** Ends the process, once the server is closed. */
  exit(why: W, code: number): void;
}

/** A function that ends the process in order: the program's own end, the server's, the exit. Calls after the first do nothing. */
export function endOnce<W>(server: Server, { onEnd, exit }: ProcessEnd<W>): (why: W) => Promise<void> {
  let isEnding = false;
  return async (why) => {
    if (isEnding) return;
    isEnding = true;
    let exitCode = 0;
    try {
      await onEnd?.(why);
    } catch (error) {
      process.emitWarning(error as Error);
      exitCode = 1;
    }
    await server.close();
    exit(why, exitCode);
  };
}

/** Has the process end when a client asks for it, and on SIGTERM. */
export function endWhenAsked(server: Server, end: (reason: string) => Promise<void>): void {
  server.allowDescribe();
  server.allowShutdown(({ reason }) => end(reason));
  process.once("SIGTERM", () => void end("SIGTERM"));
}

/** A process that has gone reads no output any more. That is not to end this one before it has drained. */
export function outliveReaders(): void {
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
}
