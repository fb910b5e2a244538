/** Positions in the lanes; that of streams only if both ends have them. Source: spec/protocol.md, "Lanes". */
export type Positions = readonly [messages: number, requests: number, answers: number, streams?: number];

/** A window in each lane that every end has, in the same order. */
export type Windows = readonly [messages: number, requests: number, answers: number];

/** Added to a lane's position for each frame, besides its bytes. Source: spec/protocol.md, "Lanes". */
export const frameOverheadBytes = 64;

/** Min and max of a window in a hello. */
export const minWindow = 65_536;
export const maxWindow = 2_147_483_647;
