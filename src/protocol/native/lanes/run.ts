import { frameHeaderBytes, readBodyBytes } from "../wire/frame.ts";
import { frameOverheadBytes } from "../wire/lanes.ts";

/** Whole frames of one lane that leave in one record. */
export interface Run {
  readonly frames: Uint8Array;
  /** How much they add to the lane's position. */
  readonly weight: number;
  /**
   * The large body to which they belong: kept whole until all of it is acknowledged, because otherwise it is reported
   * as lost.
   */
  readonly body: OutgoingBody | undefined;
  /** The position in the lane of messages that has to leave before this run. */
  readonly follows: number;
  /** The lane's position after the run, once it was sent. */
  end: number;
}

/** A boundary between two frames of a run: its offset in the bytes, and its position in the lane. */
export interface Place {
  readonly run: Run;
  offset: number;
  position: number;
}

/** A large body as its frames, of which those before `next` are sent. */
export interface OutgoingBody {
  readonly frames: readonly Uint8Array[];
  readonly follows: number;
  /** How many whole frames the first of `frames` has ahead of its own. */
  readonly ahead: number;
  next: number;
  /** A transport that ended may still have some of the frames: their memory must not be used again. */
  isLost: boolean;
}

/** Moves the place on, frame by frame, to the position or past it; returns whether a frame ends there. */
export function endsFrameAt(place: Place, position: number): boolean {
  const { frames } = place.run;
  while (place.position < position) {
    const frameBytes = frameHeaderBytes + readBodyBytes(frames, place.offset);
    place.offset += frameBytes;
    place.position += frameBytes + frameOverheadBytes;
  }
  return place.position === position;
}

/** The frames of a run before and after a position within it; `undefined` if the position is within a frame. */
export function splitRun(run: Run, position: number): [Run, Run] | undefined {
  const { frames, weight, body, follows, end } = run;
  const start = end - weight;
  const place = { run, offset: 0, position: start };
  if (!endsFrameAt(place, position)) return undefined;
  return [
    { frames: frames.subarray(0, place.offset), weight: position - start, body, follows, end: position },
    { frames: frames.subarray(place.offset), weight: end - position, body, follows, end },
  ];
}
