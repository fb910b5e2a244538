import { CallerError } from "../errors.ts";
import { runtimeDirectory } from "./runtime-directory.ts";
import type { Trust } from "./trust.ts";

/** What a name resolves to. */
export interface Address {
  readonly kind: "unix-socket" | "named-pipe" | "handed-in";
  /** The socket's path, the pipe's full name or, of what the program hands in, some words for people. */
  readonly path: string;
  /** Users that may own the address besides this one and root: none, if not given. Not used for named pipes. */
  readonly trust?: Trust;
  /** Its directory is a private one, which private-directory.ts opens before anything is done at the path. */
  readonly isPrivate?: boolean;
  /** The directory through whose descriptor `path` leads, while it is held. */
  readonly held?: string;
  /** The path for people, if `path` leads through a descriptor. */
  readonly shown?: string;
}

export interface AddressOptions {
  /**
   * The directory of Unix sockets; `"runtime"` is this user's own. Not used for named pipes, which have no directory.
   */
  readonly directory: string;
  /** The number of the user whose private directory in `directory` the socket is in. Not given: it is in `directory` itself. */
  readonly privateTo?: number;
  readonly trust?: Trust;
  /** `process.platform`. */
  readonly platform: NodeJS.Platform;
}

/** Where golang-ipc puts its sockets, on every Unix, whatever the environment's directory for temporary files is. */
export const defaultDirectory = "/tmp";

const pipePrefix = "\\\\.\\pipe\\";
const maxPipeNameLength = 256;
const nameCharacters = /^[A-Za-z0-9._-]+$/;

/**
 * The address of `name`: `<directory>/<name>.sock`, or `<directory>/sealpipe-<uid>/<name>.sock` in a private directory, or
 * `\\.\pipe\<name>` on Windows.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 */
export function resolveAddress(name: string, options: AddressOptions): Address {
  const { platform, privateTo, trust } = options;
  checkName(name);
  if (platform === "win32") return { kind: "named-pipe", path: checkPipe(`${pipePrefix}${name}`) };
  const given = options.directory === "runtime" ? runtimeDirectory(platform) : options.directory;
  const inside = privateTo === undefined ? "" : `/sealpipe-${privateTo}`;
  const path = checkSocketPath(`${given.replace(/\/+$/, "")}${inside}/${name}.sock`, platform);
  const isPrivate = privateTo === undefined ? {} : { isPrivate: true };
  return { kind: "unix-socket", path, ...isPrivate, ...(trust === undefined ? {} : { trust }) };
}

/** Most bytes of a path in `sockaddr_un.sun_path`, without the zero byte at its end. */
function maxSocketPathBytes(platform: NodeJS.Platform): number {
  return platform === "linux" ? 107 : 103;
}

/** @throws CallerError `ERR_INVALID_NAME` */
export function checkName(name: string): void {
  if (typeof name !== "string" || name === "") {
    throw new CallerError("ERR_INVALID_NAME", "a name must be a string that is not empty");
  }
  if (!nameCharacters.test(name) || name.includes("..")) {
    throw new CallerError(
      "ERR_INVALID_NAME",
      `the name ${JSON.stringify(name)} is not allowed: use letters, digits, ".", "_" and "-", and no ".."`,
    );
  }
}

function checkPipe(path: string): string {
  if (path.length <= maxPipeNameLength) return path;
  throw new CallerError(
    "ERR_ADDRESS_TOO_LONG",
    `the pipe's name ${path} has ${path.length} characters; ${maxPipeNameLength} is the max`,
  );
}

/**
 * The bytes left for a name in the path of a socket that is staged `stagingBytes` below `directory`.
 *
 * @throws CallerError `ERR_ADDRESS_TOO_LONG`
 */
export function roomBehind(
  directory: string,
  { platform, stagingBytes }: { platform: NodeJS.Platform; stagingBytes: number },
): number {
  const directoryBytes = Buffer.byteLength(directory === "/" ? "" : directory);
  const highest = maxSocketPathBytes(platform) - stagingBytes;
  if (directoryBytes <= highest) return highest - directoryBytes;
  throw new CallerError(
    "ERR_ADDRESS_TOO_LONG",
    `the directory ${directory} has ${directoryBytes} bytes; ${highest} is the max with which a server can listen on` +
      ` this platform, as its socket is bound ${stagingBytes} bytes deeper before it is shown`,
  );
}

/** @throws CallerError `ERR_ADDRESS_TOO_LONG` */
function checkSocketPath(path: string, platform: NodeJS.Platform): string {
  const pathBytes = Buffer.byteLength(path);
  const highest = maxSocketPathBytes(platform);
  if (pathBytes <= highest) return path;
  throw new CallerError(
    "ERR_ADDRESS_TOO_LONG",
    `the socket's path ${path} has ${pathBytes} bytes; ${highest} is the max on this platform`,
  );
}
