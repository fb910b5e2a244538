import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeSession } from "#dist/protocol/native/session.js";
import { AwaitingHello, helloFrame } from "../../support/awaiting-hello.ts";
import { concat, hex, pattern, toHex } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";

const { windows } = nativeDefaults;
const encryption = true;
const sessionId = pattern(16);

describe("a session that begins encrypted", () => {
  for (const role of ["client", "server"] as const) {
    test(`can be resumed with what only its two ends can derive, says the ${role}`, () => {
      const ends = new AwaitingHello({ role, encryption, native: { resumable: true } });
      const [opened] = ends.hearHello(
        role === "server" ? { kind: "new" } : { kind: "new", sessionId },
      ).events;
      const identity = opened?.kind === "open" ? opened.native?.session.identity : undefined;
      const derived = ends.peer.native?.resumptionKey;
      assert.ok(identity?.resumptionKey && derived);
      assert.notEqual(toHex(derived), toHex(new Uint8Array(32)));
      assert.equal(toHex(identity.resumptionKey), toHex(derived));
    });
  }
});

describe("a server", () => {
  test("keeps no session that was not asked for, and none if it keeps none at all", () => {
    for (const [asked, resumable] of [
      [{ kind: "none" }, true],
      [{ kind: "new" }, false],
    ] as const) {
      const ends = new AwaitingHello({ role: "server", encryption, native: { resumable } });
      ends.hearHello(asked);
      assert.deepEqual(ends.saidHello().session, { kind: "none" });
    }
  });

  test("takes no other frame for a hello, whatever is in it", () => {
    const ends = new AwaitingHello({ role: "server", encryption });
    ends.hearFrames(concat(hex("03"), helloFrame().subarray(1)));
    assert.deepEqual(ends.told, ["closed ERR_FRAME_INVALID"]);
  });
});

test("a client asks for a new session after one that could not be resumed", () => {
  const session = new NativeSession({ maxMessageBytes: 1_000, windows });
  const ends = new AwaitingHello({ role: "client", encryption, native: { resumable: true, session } });
  assert.deepEqual(ends.saidHello().session, { kind: "new" });
});
