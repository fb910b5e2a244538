import type { Schema, SchemaIssue, SchemaResult } from "./schema.ts";

/** What is wrong with data, as it is told to the peer that sent them. */
export interface Issue {
  readonly message: string;
  /** Where: names of properties and positions in lists, from the outside in. Empty for the whole. */
  readonly path: readonly (string | number)[];
}

/** What came of looking at data; `bug`: the schema threw `thrown` instead of saying what is wrong. */
export type Validation =
  | { readonly fits: true; readonly value: unknown }
  | { readonly fits: false; readonly issues: readonly Issue[]; readonly bug?: { readonly thrown: unknown } };

/** What is told of however much. */
const maxIssues = 32;
const maxMessageLength = 256;
const maxPathLength = 16;
const maxKeyLength = 64;

/** Never throws or rejects, whatever the schema does. A promise only if the schema gives one. */
export function validate(schema: Schema, value: unknown): Validation | Promise<Validation> {
  try {
    const result: unknown = schema["~standard"].validate(value);
    if (!isThenable(result)) return validationOf(result);
    return Promise.resolve(result).then(validationOf).catch(brokenSchema);
  } catch (thrown) {
    return brokenSchema(thrown);
  }
}

export function notDecoded(codecName: string, reason: unknown): Validation {
  return { fits: false, issues: [issueOf(`no ${codecName}: ${textOf(reason)}`)] };
}

export function issueOf(message: string): Issue {
  return { message: message.slice(0, maxMessageLength), path: [] };
}

/** For people: the first of them. */
export function issuesText(issues: readonly Issue[]): string {
  const [first] = issues;
  if (first === undefined) return "it does not fit";
  const place = first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  return `${place}${first.message}`;
}

/** What a peer says that is wrong, as far as it says it in the right form. */
export function receivedIssues(value: unknown): readonly Issue[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, maxIssues).flatMap((issue) => {
    const { message, path } = Object(issue) as Partial<Issue>;
    return typeof message === "string"
      ? [plainIssue({ message, path: Array.isArray(path) ? path : [] })]
      : [];
  });
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function validationOf(result: unknown): Validation {
  const { issues, value } = result as Extract<SchemaResult<unknown>, { value: unknown }>;
  if (issues === undefined || issues === null) return { fits: true, value };
  return { fits: false, issues: [...(issues as readonly SchemaIssue[])].slice(0, maxIssues).map(plainIssue) };
}

function brokenSchema(thrown: unknown): Validation {
  return { fits: false, issues: [issueOf("the schema failed on it")], bug: { thrown } };
}

function plainIssue({ message, path = [] }: SchemaIssue): Issue {
  return {
    message: textOf(message).slice(0, maxMessageLength),
    path: [...path].slice(0, maxPathLength).map((segment) => {
      const key: unknown = typeof segment === "object" && segment !== null ? segment.key : segment;
      return typeof key === "number" ? key : textOf(key).slice(0, maxKeyLength);
    }),
  };
}

function textOf(value: unknown): string {
  try {
    return value instanceof Error ? value.message : String(value);
  } catch {
    return "something that has no text";
  }
}
