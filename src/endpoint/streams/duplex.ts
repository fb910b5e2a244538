import { Duplex } from "node:stream";
import type { MessageData } from "../messages/message.ts";
import type { Item } from "./item.ts";

/** What is needed of a stream. */
interface Ends {
  write(data: MessageData): Promise<void> | undefined;
  read(): Promise<Item | undefined>;
  end(): void;
  stop(): void;
  reset(reason?: Error): void;
  readonly signal: AbortSignal;
}

/** A peer's reset must not be an uncaught exception where nobody listens. */
function destroy(duplex: Duplex, error: Error): void {
  if (duplex.listenerCount("error") > 0) duplex.destroy(error);
  else duplex.destroy();
}

/** A stream as one of Node's. */
export function duplexOf(stream: Ends): Duplex {
  const duplex = new Duplex({
    read() {
      stream.read().then(
        (item) => this.push(item === undefined ? null : item.data),
        (error: Error) => destroy(this, error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      try {
        const room = stream.write(chunk);
        if (room === undefined) done();
        else room.then(() => done());
      } catch (error) {
        done(error as Error);
      }
    },
    final(done) {
      stream.end();
      done();
    },
    destroy(error, done) {
      stream.signal.removeEventListener("abort", aborted);
      // One that has come to its end is over, and there is nothing to reset.
      stream.reset(error ?? undefined);
      done(error);
    },
  });
  const aborted = (): void => destroy(duplex, stream.signal.reason as Error);
  stream.signal.addEventListener("abort", aborted);
  return duplex;
}
