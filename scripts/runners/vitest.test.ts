import * as sealpipe from "sealpipe";
import { afterEach, expect, test, vi } from "vitest";
import converse from "./conversation.js";

const name = (part: string) => `sealpipe-runners-${process.pid}-vitest-${part}`;

afterEach(() => {
  vi.useRealTimers();
});

test("a conversation", async () => {
  await converse(sealpipe, name("plain"));
});

test("a conversation while the timers are false", async () => {
  vi.useFakeTimers();
  await converse(sealpipe, name("false-timers"));
  expect(vi.isFakeTimers()).toBe(true);
});
