import { constants, readdirSync, type Stats } from "node:fs";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nodeCrypto } from "../../crypto/node.ts";
import { SystemError } from "../../errors.ts";
import { maxSecretBytes } from "../../protocol/limits.ts";
import { identifyNow } from "../../transport/file-identity.ts";
import { ignoreMissing } from "../../transport/file-system.ts";
import { lacksLinks, renameUnlessHeld } from "../../transport/rename-hold.ts";
import { hasCode } from "../../transport/system-errors.ts";
import { delay } from "../../transport/timers.ts";
import { objectionToWay, ownUid } from "../../transport/trust.ts";

const freshSecretBytes = 32;
const onlyOwner = 0o600;
const othersRights = 0o077;

// Windows has neither flag. `O_NONBLOCK`: a pipe that somebody put there must not make this process wait for a
// writer.
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const makeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** A round fails only if somebody removes the file meanwhile; that many in a row are no accident. */
const maxRounds = 4;

/** What a file's hold has after its own name. */
const holdSuffix = ".hold";
const maxPauseMs = 20;

/**
 * The secret in the file at that absolute path. If there is none, it is created with random bytes: if any number of
 * processes do so at once, one wins, and all get that one's secret.
 *
 * Nobody but this user and root may be able to change the path, because otherwise another user could choose the file.
 * Its owner and mode are checked on the open file. Platform: on Windows none of this is checked, nor whether it is a
 * link.
 *
 * @throws SystemError `ERR_SECRET_FILE`
 */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  try {
    const objection = process.platform === "win32" ? undefined : objectionToWay(dirname(path));
    if (objection !== undefined) throw unusable(path, `is not safe: ${objection.what}`);
    for (let round = 0; round < maxRounds; round++) {
      const secret = await readIfThere(path);
      if (secret !== undefined) return secret;
      await makeUnlessThere(path);
    }
  } catch (error) {
    if (error instanceof SystemError) throw error;
    throw unusable(path, explain(error), error);
  }
  throw unusable(path, "is removed again and again");
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const file = await ignoreMissing(open(path, readFlags));
  if (file === undefined) return undefined;
  try {
    const objection = objectionTo(await file.stat());
    if (objection !== undefined) throw unusable(path, objection);
    return await readAll(path, file);
  } finally {
    await file.close();
  }
}

function objectionTo(status: Stats): string | undefined {
  if (!status.isFile()) return "is no file";
  if (process.platform === "win32") return undefined;
  if (status.uid !== ownUid() && status.uid !== 0) return `belongs to the user ${status.uid}`;
  if ((status.mode & othersRights) === 0) return undefined;
  const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
  return `is open to others: its mode is ${mode} and must be 0600`;
}

async function readAll(path: string, file: FileHandle): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxSecretBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = (await file.read(bytes, length, bytes.length - length)).bytesRead;
  }
  const secret = bytes.slice(0, length);
  bytes.fill(0);
  if (length >= 1 && length <= maxSecretBytes) return secret;
  throw unusable(path, length === 0 ? "is empty" : `has more than ${maxSecretBytes} bytes`);
}

/** The file is written completely under another name and then linked: a process that finds it finds all of it. */
async function makeUnlessThere(path: string): Promise<void> {
  const suffix = Buffer.from(nodeCrypto.randomBytes(8)).toString("hex");
  const beside = `${path}.${suffix}`;
  const file = await open(beside, makeFlags, onlyOwner);
  try {
    await fill(file);
    await link(beside, path).catch((error: unknown) => {
      if (hasCode(error, "EEXIST")) return undefined;
      if (!lacksLinks(error)) throw error;
      return renameUnlessThere(beside, path);
    });
  } finally {
    await ignoreMissing(unlink(beside));
  }
}

/** The same where there are no hard links. */
async function renameUnlessThere(beside: string, path: string): Promise<void> {
  const directory = dirname(path);
  const name = `${basename(path)}.`;
  const renamed = {
    from: beside,
    to: path,
    hold: `${beside}${holdSuffix}`,
    holds: () =>
      readdirSync(directory)
        .filter((entry) => entry.startsWith(name) && entry.endsWith(holdSuffix))
        .map((entry) => join(directory, entry)),
    mayReplace: () => identifyNow(path) === undefined,
  };
  while (renameUnlessHeld(renamed) === "held") await delay(Math.random() * maxPauseMs);
}

async function fill(file: FileHandle): Promise<void> {
  const secret = nodeCrypto.randomBytes(freshSecretBytes);
  try {
    // The umask may have removed even the owner's permissions.
    await file.chmod(onlyOwner);
    await file.writeFile(secret);
    // Otherwise the file could exist and be empty after a power cut.
    await file.sync();
  } finally {
    secret.fill(0);
    await file.close();
  }
}

function explain(error: unknown): string {
  if (hasCode(error, "ELOOP") || hasCode(error, "EMLINK")) return "is a symbolic link";
  return `cannot be used: ${(error as Error).message}`;
}

function unusable(path: string, objection: string, cause?: unknown): SystemError {
  const options = cause === undefined ? undefined : { cause };
  return new SystemError("ERR_SECRET_FILE", `the secret file ${path} ${objection}`, options);
}
