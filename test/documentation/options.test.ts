import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";

const page = readFileSync(new URL("../../../docs/options.md", import.meta.url), "utf8");

/** The rows of the table of options: whose an option is, and its default. */
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` \| (both|server|client) \| ([^|]*)\|/gm)].map(
    ([, name = "", whose = "", byDefault = ""]): [string, { whose: string; byDefault: string }] => [
      name,
      { whose, byDefault: byDefault.replaceAll("`", "").trim() },
    ],
  ),
);

const server = parseServerOptions() as unknown as Record<string, unknown>;
const client = parseClientOptions() as unknown as Record<string, unknown>;

function whoseIs(name: string): string {
  if (!(name in server)) return "client";
  return name in client ? "both" : "server";
}

describe("docs/options.md", () => {
  test("has a row for each option, and for no other", () => {
    const options = new Set([...Object.keys(server), ...Object.keys(client)]);
    assert.deepEqual([...rows.keys()].sort(), [...options].sort());
  });

  for (const [name, { whose, byDefault }] of rows) {
    test(`says whose ${name} is, and its default`, () => {
      assert.equal(whose, whoseIs(name));
      const value = name in server ? server[name] : client[name];
      assert.equal(
        byDefault.replaceAll("`", "") || "undefined",
        value === undefined ? "undefined" : textOf(value),
      );
    });
  }
});

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" || Array.isArray(value) ? JSON.stringify(value) : String(value);
}
