import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "sealpipe";
import { lostSession } from "#dist/endpoint/link/lost-session.js";
import { hex } from "../../support/bytes.ts";

test("a lost session reports its messages as those that are read", () => {
  const contents = [
    { type: 5, data: hex("68 69") },
    { type: 6, data: hex("") },
  ];
  const { messages } = lostSession(contents, []);
  assert.ok(messages.every((message) => message instanceof Message));
  assert.deepEqual(
    messages.map(({ type, text }) => [type, text]),
    [
      [5, "hi"],
      [6, ""],
    ],
  );
  assert.deepEqual(lostSession([], []), { messages: [], streams: [] });
});
