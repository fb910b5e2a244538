// Errors of others are recognised by their properties, not by their class: a program that runs in a realm of its own, as
// Jest's tests do, has another `Error` than Node.

/** Whether it is the system's error of that code. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/** The code of the system's or of Node's. */
export function codeOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** What an error says, or anything else that was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

export function isError(value: unknown): value is Error {
  const { name, message } = Object(value) as { readonly name?: unknown; readonly message?: unknown };
  return typeof name === "string" && typeof message === "string";
}
