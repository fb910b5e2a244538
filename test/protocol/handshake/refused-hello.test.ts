import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NativeOptions } from "#dist/protocol/native/options.js";
import { AwaitingHello, helloFrame } from "../../support/awaiting-hello.ts";
import { concat, hex, pattern } from "../../support/bytes.ts";
import { EnginePair } from "../../support/engine-pair.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";

const { windows } = nativeDefaults;

/** What a client may say that no server can take. */
const refused: Record<string, Partial<NativeOptions>> = {
  "a window of messages that is too small": { windows: [65_535, windows[1], windows[2]] },
  "a window of answers that is too large": { windows: [windows[0], windows[1], 2_147_483_648] },
};

for (const encryption of [false, true]) {
  describe(`a hello that the server refuses, ${encryption ? "encrypted" : "plain"}`, () => {
    for (const [what, client] of Object.entries(refused)) {
      test(`ends at both ends with the same code, and is open at neither: ${what}`, () => {
        const pair = new EnginePair({
          client: { native: client, encryption },
          server: { native: {}, encryption },
        }).run();
        assert.deepEqual(pair.server.events, ["closed ERR_FRAME_INVALID"]);
        assert.deepEqual(pair.client.events, ["closed ERR_FRAME_INVALID"]);
        assert.match(String(pair.client.error), /refused this end's hello/);
      });
    }

    test("is reported, whatever comes instead of it", () => {
      const otherFrame = concat(hex("03"), helloFrame().subarray(1));
      for (const said of [[otherFrame], [helloFrame(), helloFrame()], [helloFrame().subarray(0, -1)]]) {
        const ends = new AwaitingHello({ role: "server", encryption }).hearFrames(...said);
        assert.deepEqual(ends.told, ["closed ERR_FRAME_INVALID"]);
        const { session } = ends.saidHello();
        assert.ok(session.kind === "refused" && session.code === "ERR_FRAME_INVALID");
        assert.ok(session.message.length > 10);
      }
    });

    test("is no end in order for a client, even if the code is none that it knows", () => {
      for (const [code, becomes] of [
        ["ERR_AUTHENTICATION_FAILED", "ERR_AUTHENTICATION_FAILED"],
        ["ERR_FROM_A_LATER_VERSION", "ERR_HANDSHAKE_REJECTED"],
        ["toString", "ERR_FRAME_INVALID"],
        ["ERR_INVALID_NAME", "ERR_HANDSHAKE_REJECTED"],
      ] as const) {
        const ends = new AwaitingHello({ role: "client", encryption });
        ends.hearHello({ kind: "refused", code, message: "why" });
        assert.deepEqual(ends.told, [`closed ${becomes}`], code);
      }
    });

    test("leaves the client's session to be resumed later", () => {
      const ends = new AwaitingHello({ role: "client", encryption, native: { resumable: true } });
      ends.hearHello({ kind: "new", sessionId: pattern(16) });
      const [opened] = ends.events;
      const session = opened?.kind === "open" ? opened.native?.session : undefined;
      assert.ok(session?.identity);
      const again = new AwaitingHello({ role: "client", encryption, native: { resumable: true, session } });
      again.hearHello({ kind: "refused", code: "ERR_FRAME_INVALID", message: "" });
      assert.ok(session.identity);
    });
  });
}
