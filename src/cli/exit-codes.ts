import { SealpipeError } from "../index.ts";

/** How a run of the command line ends: documented in `docs/cli.md`, and never changed. */
export const exitCodes = {
  done: 0,
  /** It failed in a way that has no code of its own, or a check found something wrong. */
  failed: 1,
  /** The arguments are wrong. */
  usage: 2,
  /** No server is there, or it did not come in time. */
  noServer: 3,
  /** One end refused the other: its owner, its secret, its wire, its handshake. */
  refused: 4,
  /** The peer answered with an error. */
  peerFailed: 5,
  /** There was no answer in time. */
  timeout: 6,
  /** The connection or the session was lost. */
  lost: 7,
  interrupted: 130,
  /** Whoever read its output has gone, as after SIGPIPE. */
  outputClosed: 141,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Wrong arguments: the user is shown what was wrong, and where the help is. */
export class UsageError extends Error {}

/** What ended a run from outside. */
export class Stopped extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super("stopped");
    this.exitCode = exitCode;
  }
}

const byCode: Readonly<Record<string, ExitCode>> = Object.assign(Object.create(null), {
  ERR_CONNECT_FAILED: exitCodes.noServer,
  ERR_CONNECT_TIMEOUT: exitCodes.noServer,
  ERR_ADDRESS_UNTRUSTED: exitCodes.refused,
  ERR_AUTHENTICATION_FAILED: exitCodes.refused,
  ERR_CONTRACT_MISMATCH: exitCodes.refused,
  ERR_ENCRYPTION_REQUIRED: exitCodes.refused,
  ERR_HANDSHAKE_INVALID: exitCodes.refused,
  ERR_HANDSHAKE_REJECTED: exitCodes.refused,
  ERR_HANDSHAKE_TIMEOUT: exitCodes.refused,
  ERR_INVALID_PUBLIC_KEY: exitCodes.refused,
  ERR_NOT_EXPRESSIBLE: exitCodes.failed,
  ERR_PEER_NOT_NATIVE: exitCodes.refused,
  ERR_SECRET_FILE: exitCodes.refused,
  ERR_TOO_MANY_CONNECTIONS: exitCodes.refused,
  ERR_TOO_MANY_HANDSHAKES: exitCodes.refused,
  ERR_VERSION_MISMATCH: exitCodes.refused,
  ERR_READ_TIMEOUT: exitCodes.timeout,
  ERR_REQUEST_TIMEOUT: exitCodes.timeout,
  ERR_CLOSE_TIMEOUT: exitCodes.timeout,
  // What was closed under way was not closed by the user.
  ERR_CLOSED: exitCodes.lost,
  ERR_CONNECTION_LOST: exitCodes.lost,
  ERR_SESSION_LOST: exitCodes.lost,
  ERR_KEEPALIVE_TIMEOUT: exitCodes.lost,
});

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Stopped) return error.exitCode;
  if (error instanceof UsageError) return exitCodes.usage;
  if (!(error instanceof SealpipeError)) return exitCodes.failed;
  const known = byCode[error.code];
  if (known !== undefined) return known;
  if (error.fault === "caller") return exitCodes.usage;
  return error.fault === "peer" ? exitCodes.peerFailed : exitCodes.failed;
}
