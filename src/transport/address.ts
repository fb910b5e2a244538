import { CallerError } from "../errors.ts";
import { runtimeDirectory } from "./runtime-directory.ts";
import type { Trust } from "./trust.ts";

/** What a name resolves to. */
export interface Address {
  readonly kind: "unix-socket" | "named-pipe";
  /** The socket's path, or the pipe's full name. */
  readonly path: string;
  /** Who may hold the address besides us and root: nobody, if not given. Not used for named pipes. */
  readonly trust?: Trust;
}

export interface AddressOptions {
  /** Where Unix sockets lie; `"runtime"` is this user's own place. Not used for named pipes, which have no directory. */
  readonly directory: string;
  readonly trust?: Trust;
  /** `process.platform`. */
  readonly platform: NodeJS.Platform;
}

/** Where golang-ipc puts its sockets, on every Unix, whatever the environment says of temporary files. */
export const defaultDirectory = "/tmp";

const pipePrefix = "\\\\.\\pipe\\";
const maxPipeNameLength = 256;
const nameCharacters = /^[A-Za-z0-9._-]+$/;

/**
 * Where `name` is found: `<directory>/<name>.sock`, or `\\.\pipe\<name>` on Windows.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 */
export function resolveAddress(name: string, options: AddressOptions): Address {
  const { platform, trust } = options;
  checkName(name);
  if (platform === "win32") return { kind: "named-pipe", path: checkPipe(`${pipePrefix}${name}`) };
  const given = options.directory === "runtime" ? runtimeDirectory(platform) : options.directory;
  const directory = given.replace(/(?<=.)\/+$/, "");
  const path = checkSocketPath(directory === "/" ? `/${name}.sock` : `${directory}/${name}.sock`, platform);
  return trust === undefined ? { kind: "unix-socket", path } : { kind: "unix-socket", path, trust };
}

/** The most bytes of a path in `sockaddr_un.sun_path`, less the zero byte at its end. */
function maxSocketPathBytes(platform: NodeJS.Platform): number {
  return platform === "linux" ? 107 : 103;
}

function checkName(name: string): void {
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
    `the pipe's name ${path} has ${path.length} characters; ${maxPipeNameLength} is the most`,
  );
}

/**
 * How many bytes are left for a name in the path of a socket that is staged below `directory`, `stagingBytes` deep.
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
    `the directory ${directory} has ${directoryBytes} bytes; ${highest} is the most in which a server can listen on` +
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
    `the socket's path ${path} has ${pathBytes} bytes; ${highest} is the most on this platform`,
  );
}
