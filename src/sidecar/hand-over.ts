import { isAbsolute } from "node:path";

// What a parent tells its sidecar, as one line of JSON on the sidecar's stdin.

export interface HandOver {
  /** The name of the channel. */
  readonly name: string;
  /** The directory of its socket, which the sidecar makes; absent on Windows. */
  readonly directory?: string | undefined;
  readonly secret: Uint8Array;
  /** The process group of the sidecar and of whatever it starts, if it has one of its own. */
  readonly group?: number | undefined;
}

const version = "sidecar/1";

export function encodeHandOver({ secret, ...rest }: HandOver): string {
  return `${JSON.stringify({ sealpipe: version, ...rest, secret: Buffer.from(secret).toString("base64") })}\n`;
}

/** @throws TypeError for a line that is none. */
export function decodeHandOver(line: string): HandOver {
  const { sealpipe, name, directory, secret, group } = Object(JSON.parse(line)) as Record<string, unknown>;
  const isDirectory = directory === undefined || (typeof directory === "string" && isAbsolute(directory));
  const isGroup = group === undefined || (Number.isSafeInteger(group) && (group as number) > 1);
  if (
    sealpipe !== version ||
    typeof name !== "string" ||
    typeof secret !== "string" ||
    !isDirectory ||
    !isGroup
  ) {
    throw new TypeError("the first line on stdin is no hand-over of this version");
  }
  return {
    name,
    directory: directory as string | undefined,
    secret: new Uint8Array(Buffer.from(secret, "base64")),
    group: group as number | undefined,
  };
}
