import { writeUint32 } from "../../integers.ts";
import type { TraceContext } from "../../session.ts";
import { frameHeaderBytes, invalidFrame, writeFrameHeader } from "./frame.ts";

// The context of a request or a stream. Source: spec/protocol.md, "Context"; W3C Trace Context, sections 3.2 and 3.3.

export const traceparentBytes = 26;
export const maxTracestateBytes = 512;
/** The version, the ids and the flags, and whatever a version above 0 has after them. */
const traceparentForm =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const tracestateForm = /^[ -~]*$/;

/**
 * The traceparent in version 0, which is what this end can say of one of a later version; `undefined` if it is none.
 */
export function knownTraceparent(text: string): string | undefined {
  const [, version, traceId, parentId, flags, rest] = traceparentForm.exec(text) ?? [];
  if (version === undefined || (version === "00" && rest !== undefined)) return undefined;
  return `00-${traceId}-${parentId}-${flags}`;
}

export function isTracestate(text: string): boolean {
  return text.length <= maxTracestateBytes && tracestateForm.test(text);
}

/** The frame that goes ahead of a request or of the opening of a stream. The context is one that this end checked. */
export function encodeContext(
  kind: number,
  id: number,
  { traceparent, tracestate = "" }: TraceContext,
): Uint8Array {
  const bodyBytes = 4 + traceparentBytes + tracestate.length;
  const frame = new Uint8Array(frameHeaderBytes + bodyBytes);
  writeFrameHeader(frame, 0, kind, bodyBytes);
  writeUint32(frame, id, frameHeaderBytes);
  let position = frameHeaderBytes + 4;
  for (let index = 0; index < traceparent.length; index += 2) {
    if (traceparent[index] === "-") index += 1;
    frame[position] = Number.parseInt(traceparent.slice(index, index + 2), 16);
    position += 1;
  }
  for (let index = 0; index < tracestate.length; index++)
    frame[position + index] = tracestate.charCodeAt(index);
  return frame;
}

/** `body` follows the id. @throws PeerError `ERR_FRAME_INVALID` */
export function decodeContext(body: Uint8Array): TraceContext {
  const tracestate = String.fromCharCode(
    ...body.subarray(traceparentBytes, traceparentBytes + maxTracestateBytes + 1),
  );
  if (body[0] === 0xff) throw invalidFrame("a context of the version ff, which there is not");
  if (!isTracestate(tracestate)) throw invalidFrame("a context whose tracestate is too long, or is not text");
  const traceId = body.subarray(1, 17);
  const parentId = body.subarray(17, 25);
  if (isZero(traceId) || isZero(parentId)) throw invalidFrame("a context with an id of zeros");
  const traceparent = `00-${hex(traceId)}-${hex(parentId)}-${hex(body.subarray(25, traceparentBytes))}`;
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

function isZero(id: Uint8Array): boolean {
  return id.every((byte) => byte === 0);
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}
