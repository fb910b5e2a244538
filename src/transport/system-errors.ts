// Errors of Node and the system are recognised by their properties, not by their class: a program that runs in a
// realm of its own, as Jest's tests do, has another `Error` than Node.

/** Whether `error` has that code. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/** The system's or Node's code of `error`, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** The message of an error, or the text of anything else that was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

export function isError(value: unknown): value is Error {
  const { name, message } = Object(value) as { readonly name?: unknown; readonly message?: unknown };
  return typeof name === "string" && typeof message === "string";
}
