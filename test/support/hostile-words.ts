import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { CallerError } from "sealpipe";

/** Of the messages and requests in the documentation's examples. */
export const typesInUse = [1, 2, 3, 4, 5];

/** Data that break a program that trusts its peer. */
export const hostileTexts: readonly (string | Uint8Array)[] = [
  "",
  "null",
  "{}",
  '{"id":1,"body":{"valueOf":1,"toString":1}}',
  `{"id":${"[".repeat(20_000)}${"]".repeat(20_000)},"body":1}`,
  '{"id":"__proto__","body":"x"}',
  "[",
  "x",
  "-1e999",
  Uint8Array.of(0xff, 0xfe, 0xc0, 0x80),
];

/** What both ends can do, of which one is hostile. */
interface Speaker {
  write(type: number, data: string | Uint8Array): Promise<void> | undefined;
  request(type: number, data: string | Uint8Array, options?: { timeoutMs: number }): Promise<unknown>;
}

/** How long a hostile peer that waits for nothing hangs around. */
export function stay(): Promise<void> {
  return delay(100);
}

/** Sends all kinds of senseless messages and requests, as far as its own `maxMessageBytes` lets it. */
export async function talkNonsense(speaker: Speaker): Promise<void> {
  for (const text of hostileTexts) {
    for (const type of typesInUse) {
      speaker.request(type, text).catch(() => {});
      speaker.request(type, text, { timeoutMs: 1 }).catch(() => {});
      try {
        speaker.write(type, text);
      } catch (error) {
        assert.equal((error as CallerError).code, "ERR_MESSAGE_TOO_LARGE");
      }
    }
  }
  await stay();
}

/** Sends as fast as it can, more than fits into any queue, until the other end accepts no more. Reads nothing. */
export async function flood(speaker: Speaker): Promise<void> {
  const data = JSON.stringify({ id: 1, body: 1, padding: "x".repeat(60_000) });
  for (let count = 0; count < 200; count++) {
    const room = speaker.write(typesInUse[count % typesInUse.length] as number, data);
    if (room !== undefined && (await Promise.race([room, stay().then(() => "full")])) === "full") return;
  }
  await stay();
}
