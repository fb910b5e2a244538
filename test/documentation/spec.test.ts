import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { maxBodiesUnderWay } from "#dist/protocol/native/lanes/send-lane.js";
import { frameKinds, maxBodyBytes, maxRecordBytes, minPartBytes } from "#dist/protocol/native/wire/frame.js";
import { frameOverheadBytes, maxWindow, minWindow } from "#dist/protocol/native/wire/lanes.js";
import { recordsPerKey } from "#dist/protocol/native/wire/record.js";
import { type Input, type State, transitions } from "#dist/protocol/states.js";

const spec = readFileSync(new URL("../../../spec/protocol.md", import.meta.url), "utf8");

/** The text between two marks of the page. */
function section(mark: string): string {
  const [, text] = spec.match(new RegExp(`<!-- ${mark} -->\n([\\s\\S]*?)<!-- /${mark} -->`)) ?? [];
  assert.ok(text !== undefined, `the spec has the marks "${mark}"`);
  return text;
}

/** The session's own table as the page should show it. */
function stateTable(): string {
  const rows = Object.entries(transitions).flatMap(([state, row]) =>
    (Object.entries(row) as [Input, State][]).map(
      ([input, next]) => `| \`${state}\` | ${input} | \`${next}\` |`,
    ),
  );
  return ["| state | input | next state |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

describe("spec/protocol.md", () => {
  test("shows the table of states that the engine runs on", () => {
    assert.equal(section("states"), stateTable());
  });

  test("shows each limit with the default that the options have", () => {
    const limits = Object.fromEntries(
      [...section("limits").matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
        name,
        Number(value),
      ]),
    );
    const defaults = parseServerOptions() as unknown as Record<string, unknown>;
    const bounded = Object.keys(defaults).filter((name) => typeof defaults[name] === "number");
    assert.deepEqual(Object.keys(limits).sort(), bounded.sort());
    for (const name of bounded) assert.equal(limits[name], defaults[name], name);
  });

  test("shows each kind of a native frame with its number", () => {
    const rows = [...section("native-frames").matchAll(/^\| `([0-9a-f]{2})` \| ([a-z-]+) \|/gm)];
    assert.deepEqual(
      Object.fromEntries(rows.map(([, number, name]) => [name, Number.parseInt(number as string, 16)])),
      frameKinds,
    );
  });

  test("names each number of the native profile as the code has it", () => {
    const grouped = new Intl.NumberFormat("en");
    const numbers: [string, number][] = [
      ["Native key schedule", recordsPerKey],
      ["Native record", maxRecordBytes],
      ["Native hello", minWindow],
      ["Native hello", maxWindow],
      ["Lanes", frameOverheadBytes],
      ["Large bodies", maxBodyBytes],
      ["Large bodies", minPartBytes],
      ["Large bodies", maxBodiesUnderWay],
    ];
    for (const [heading, number] of numbers) {
      const [, text = ""] = spec.split(`\n## ${heading}\n`);
      const [body = ""] = text.split("\n## ");
      assert.match(body, new RegExp(`\\b${grouped.format(number)}\\b`), `${heading}: ${number}`);
    }
  });

  test("has each heading that the code names as its source", () => {
    const source = new URL("../../../src/", import.meta.url);
    const cited = readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => [
        ...readFileSync(new URL(file, source), "utf8").matchAll(/spec\/protocol\.md, "([^"]+)"/g),
      ])
      .map(([, heading]) => heading as string);
    assert.ok(cited.length > 5);
    for (const heading of cited) assert.match(spec, new RegExp(`^## ${heading}$`, "m"), heading);
  });
});
