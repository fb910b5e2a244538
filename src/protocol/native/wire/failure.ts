// What a failure may say. Source: spec/protocol.md, "Requests".

/** Most bytes of a failure's data: with its code and message they have to fit into one frame. */
export const maxFailureDataBytes = 65_536;

const failureCode = /^[A-Z0-9_]{1,64}$/;

export function isFailureCode(code: unknown): code is string {
  return typeof code === "string" && failureCode.test(code);
}
