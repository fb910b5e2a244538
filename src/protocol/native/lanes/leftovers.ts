import { readUint32 } from "../../integers.ts";
import type { MessageContent } from "../../message.ts";
import { copyParts, lengthOfParts } from "../../parts.ts";
import type { RequestContent } from "../../session.ts";
import { frameHeaderBytes, frameKinds, readBodyBytes } from "../wire/frame.ts";

/** The messages in a lane's frames, as {@link SendLane.drain} gives them. Their data are copies: a transport may have the frames. */
export function decodeMessages(groups: readonly (readonly Uint8Array[])[]): MessageContent[] {
  return groups.flatMap((frames) => {
    if (isLarge(frames, frameKinds["message-start"])) return [largeBody(frames, { start: 8, part: 0 })];
    return bodiesOf(frames).map((body) => ({ type: readUint32(body, 0), data: body.slice(4) }));
  });
}

/** The requests in a lane's frames, as {@link SendLane.drain} gives them. */
export function decodeRequests(groups: readonly (readonly Uint8Array[])[]): RequestContent[] {
  return groups.flatMap((frames) => {
    if (isLarge(frames, frameKinds["request-start"])) {
      const [first] = frames as [Uint8Array];
      const { data } = largeBody(frames, { start: 12, part: 4 });
      return [
        { id: readUint32(first, frameHeaderBytes), type: readUint32(first, frameHeaderBytes + 4), data },
      ];
    }
    return bodiesOf(frames).map((body) => ({
      id: readUint32(body, 0),
      type: readUint32(body, 4),
      data: body.slice(8),
    }));
  });
}

function isLarge([first]: readonly Uint8Array[], startKind: number): boolean {
  return first?.[0] === startKind;
}

/** A large body's frames, each by itself, with so many bytes of fixed fields. */
function largeBody(
  frames: readonly Uint8Array[],
  fixed: { readonly start: number; readonly part: number },
): MessageContent {
  const [first] = frames as [Uint8Array];
  const parts = frames.map((frame, index) =>
    frame.subarray(frameHeaderBytes + (index === 0 ? fixed.start : fixed.part)),
  );
  const data = new Uint8Array(lengthOfParts(parts));
  copyParts(parts, data);
  return { type: readUint32(first, frameHeaderBytes), data };
}

/** The bodies of the frames that lie one behind the other in each of the runs. */
function bodiesOf(runs: readonly Uint8Array[]): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (const run of runs) {
    for (let offset = 0; offset < run.length; ) {
      const body = offset + frameHeaderBytes;
      offset = body + readBodyBytes(run, offset);
      bodies.push(run.subarray(body, offset));
    }
  }
  return bodies;
}
