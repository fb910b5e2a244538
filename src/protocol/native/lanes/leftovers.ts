import { readUint32 } from "../../integers.ts";
import type { MessageContent } from "../../message.ts";
import { copyParts, lengthOfParts } from "../../parts.ts";
import type { RequestContent, TraceContext } from "../../session.ts";
import { frameHeaderBytes, frameKinds, readBodyBytes } from "../wire/frame.ts";
import { decodeContext } from "../wire/trace-context.ts";

/**
 * The messages in a lane's frames, as {@link SendLane.drain} gives them. Their data are copies: a transport may have the frames.
 */
export function decodeMessages(groups: readonly (readonly Uint8Array[])[]): MessageContent[] {
  return groups.flatMap((frames) => {
    const bodies = bodiesOf(frames);
    if (bodies[0]?.kind === frameKinds["message-start"]) {
      return [{ type: readUint32(bodies[0].body, 0), data: joinData(bodies, { start: 8, part: 0 }) }];
    }
    return bodies.map(({ body }) => ({ type: readUint32(body, 0), data: body.slice(4) }));
  });
}

/**
 * The requests of the application's in a lane's frames, as {@link SendLane.drain} gives them. What a client asked of the
 * server's library concerned a server that is gone.
 */
export function decodeRequests(groups: readonly (readonly Uint8Array[])[]): RequestContent[] {
  return groups.flatMap((frames) => {
    const requests: RequestContent[] = [];
    const bodies = bodiesOf(frames);
    let context: TraceContext | undefined;
    for (const [index, { kind, body }] of bodies.entries()) {
      if (kind === frameKinds["request-context"]) {
        context = decodeContext(body.subarray(4));
        continue;
      }
      const isLarge = kind === frameKinds["request-start"];
      if (isLarge || kind === frameKinds.request) {
        const data = isLarge ? joinData(bodies.slice(index), { start: 12, part: 4 }) : body.slice(8);
        requests.push({ id: readUint32(body, 0), type: readUint32(body, 4), data, context });
      }
      context = undefined;
    }
    return requests;
  });
}

interface Frame {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The data of a large body, all of whose frames these are, with as many bytes of fixed fields. */
function joinData(
  frames: readonly Frame[],
  fixed: { readonly start: number; readonly part: number },
): Uint8Array {
  const parts = frames.map(({ body }, index) => body.subarray(index === 0 ? fixed.start : fixed.part));
  const data = new Uint8Array(lengthOfParts(parts));
  copyParts(parts, data);
  return data;
}

/** The frames that follow one another in each of the runs. */
function bodiesOf(runs: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const run of runs) {
    for (let offset = 0; offset < run.length; ) {
      const kind = run[offset] as number;
      const body = offset + frameHeaderBytes;
      offset = body + readBodyBytes(run, offset);
      frames.push({ kind, body: run.subarray(body, offset) });
    }
  }
  return frames;
}
