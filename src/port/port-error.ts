import type { ErrorFrame } from "./frames.ts";

/** What a call or a stream through a port fails with. */
export class PortError extends Error {
  /** A contract's own code, or the library's: `docs/errors.md` has these. */
  readonly code: string;
  /** What the contract's error has as its data. */
  readonly data: unknown;

  constructor(code: string, message: string, data?: unknown) {
    super(message);
    this.name = "PortError";
    this.code = code;
    this.data = data;
  }
}

export function closedPort(): PortError {
  return new PortError("ERR_CONNECTION_LOST", "the port is closed");
}

/** The error that came by the port. */
export function errorOf({ code, message, data }: ErrorFrame): PortError {
  return new PortError(code, message, data);
}

/** As it crosses a port. A stack does not. */
export function errorFrame(error: unknown): ErrorFrame {
  const { code, message, data } = Object(error) as Partial<Record<keyof ErrorFrame, unknown>>;
  return {
    code: typeof code === "string" ? code : "ERR_HANDLER_FAILED",
    message: typeof message === "string" ? message : String(error),
    ...(data !== undefined && { data }),
  };
}
