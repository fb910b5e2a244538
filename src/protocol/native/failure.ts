// What a failure may say. Source: spec/protocol.md, "Requests".

const failureCode = /^[A-Z0-9_]{1,64}$/;

export function isFailureCode(code: unknown): code is string {
  return typeof code === "string" && failureCode.test(code);
}
