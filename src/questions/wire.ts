// What questions and answers look like: JSON objects in UTF-8, with the id in both.

/** Why there is no answer. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface ReceivedQuestion {
  readonly id: string;
  readonly body: unknown;
}

export type ReceivedAnswer =
  | { readonly id: string; readonly body: unknown; readonly failure?: undefined }
  | { readonly id: string; readonly failure: Failure };

const maxIdLength = 128;
const failureCode = /^[A-Z0-9_]{1,64}$/;
export const unknownFailure = "ERR_HANDLER_FAILED";

export function isFailureCode(code: unknown): code is string {
  return typeof code === "string" && failureCode.test(code);
}

/** @throws TypeError if JSON has no words for it. */
export function encodeQuestion(id: string, body: unknown): string {
  return JSON.stringify({ id, body: body ?? null });
}

/** @throws TypeError if JSON has no words for it. */
export function encodeAnswer(id: string, body: unknown): string {
  return JSON.stringify({ id, body: body ?? null });
}

export function encodeFailure(id: string, { code, message }: Failure): string {
  return JSON.stringify({ id, error: { code, message } });
}

/** Nothing if it is none: the other end may send anything. */
export function decodeQuestion(text: string): ReceivedQuestion | undefined {
  const said = decode(text);
  return said && { id: said.id, body: said.content["body"] ?? null };
}

/** Nothing if it is none. */
export function decodeAnswer(text: string): ReceivedAnswer | undefined {
  const said = decode(text);
  if (said === undefined) return undefined;
  const { id, content } = said;
  const error = content["error"] ?? undefined;
  if (error === undefined) return { id, body: content["body"] ?? null };
  const { code, message } = (isObject(error) ? error : {}) as { code?: unknown; message?: unknown };
  return {
    id,
    failure: {
      code: isFailureCode(code) ? code : unknownFailure,
      message: typeof message === "string" ? message : "the other end did not say why",
    },
  };
}

function decode(
  text: string,
): { readonly id: string; readonly content: Readonly<Record<string, unknown>> } | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(content)) return undefined;
  const id = content["id"];
  return typeof id === "string" && id.length <= maxIdLength ? { id, content } : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
