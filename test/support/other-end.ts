import { type Line, LinesProcess } from "./lines-process.ts";

let lastCommand = 0;

/** A process of a library in another language, as a server or a client. */
export class OtherEnd extends LinesProcess {
  untilEvent(event: string): Promise<Line> {
    return this.until((line) => line["event"] === event);
  }

  untilStatus(status: string): Promise<Line> {
    return this.until((line) => line["event"] === "status" && line["status"] === status);
  }

  /** Gives a command, and settles with what answers it. Lines that come before that are dropped. */
  ask(command: Line): Promise<Line> {
    lastCommand += 1;
    const id = lastCommand;
    this.command({ ...command, id });
    return this.until((line) => line["id"] === id);
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.ask({ do: "close" });
    await this.kill();
  }
}

/** A library in another language. */
export interface OtherLibrary {
  readonly name: string;
  /** What node:test takes as `skip`. */
  readonly skip: string | false;
  /** What its processes are called. */
  readonly program: string;
  /** How many clients come one after another where that is tried, and how often servers race for an address. */
  readonly handshakes: number;
  readonly races: number;
  /** Whether a handler says that nobody waits for its answer any more; by default it does. */
  readonly handlersHearOfCancels?: boolean;
  /** Called once, before anything is started. */
  prepare(): void;
  start(role: "server" | "client", name: string, ...flags: readonly string[]): OtherEnd;
  /** Clients that come to that server one after another, each with a message that has to come back. */
  shakeHands(name: string, rounds: number): LinesProcess;
}
