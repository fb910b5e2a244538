/** Positions in the three lanes: messages, requests, answers. Source: spec/protocol.md, "Lanes". */
export type Positions = readonly [messages: number, requests: number, answers: number];

/** A window in each lane, in the same order. */
export type Windows = Positions;

/** Least and most that a hello may say of a window. */
export const minWindow = 65_536;
export const maxWindow = 2_147_483_647;
