import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aeadTagBytes } from "#dist/protocol/crypto-provider.js";
import { frameHeaderBytes, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { AwaitingHello, type Ends, helloFrame } from "../../support/awaiting-hello.ts";
import { concat, hex, pattern, uint32 } from "../../support/bytes.ts";
import { byteAtATime, whole } from "../../support/cutting.ts";
import { nativeFrame } from "../../support/native-frames.ts";

const ping = nativeFrame("ping", [1]);

for (const role of ["client", "server"] as const) {
  for (const encryption of [false, true]) {
    const mode = encryption ? "encrypted" : "plain";
    const awaiting = () => new AwaitingHello({ role, encryption });

    describe(`a ${role} that awaits the native hello, ${mode}`, () => {
      test("is open with it, however it is cut", () => {
        for (const cutting of [whole, byteAtATime]) {
          const ends = awaiting().hearHello(undefined, cutting);
          assert.equal(ends.engine.state, "open");
          assert.deepEqual(ends.told, [`open native ${mode}`]);
        }
      });

      test("has said its own before as a client, and says it now as a server", () => {
        const ends = awaiting();
        if (role === "server") assert.equal(ends.nextRecord(), undefined);
        ends.hearHello();
        const first = ends.nextRecord();
        assert.ok(first instanceof Uint8Array);
        assert.equal(first[0], 0x01);
        assert.equal(ends.nextRecord(), undefined, "and nothing else");
      });

      test("waits with a close for it, and then closes", () => {
        const ends = awaiting().close();
        assert.equal(ends.engine.state, `${role}-awaits-native-hello`);
        ends.hearHello();
        assert.equal(ends.engine.state, "closing");
        assert.deepEqual(ends.told, []);
      });

      test("does not wait longer with a close than for any handshake", () => {
        assert.deepEqual(awaiting().close().pass(1_000).told, ["closed ERR_CLOSE_TIMEOUT"]);
      });

      test("loses the connection if the peer ends", () => {
        assert.deepEqual(awaiting().end().told, ["closed ERR_CONNECTION_LOST"]);
      });

      test("gives up after the time that a handshake has", () => {
        const ends = awaiting().pass(4_999);
        assert.deepEqual(ends.told, []);
        assert.deepEqual(ends.pass(1).told, ["closed ERR_HANDSHAKE_TIMEOUT"]);
      });

      test("takes nothing but a hello, and that alone", () => {
        const message = nativeFrame("message", [5], hex("01"));
        const others = [
          [ping],
          [message],
          [ping, helloFrame()],
          [helloFrame(), ping],
          [helloFrame(), message],
        ];
        for (const frames of others) {
          assert.deepEqual(awaiting().hearFrames(...frames).told, ["closed ERR_FRAME_INVALID"]);
        }
        for (const cut of [frameHeaderBytes, 10, helloFrame().length - 1]) {
          assert.deepEqual(awaiting().hearFrames(helloFrame().subarray(0, cut)).told, [
            "closed ERR_FRAME_INVALID",
          ]);
        }
      });

      test("takes no record that cannot be one, as soon as its length has come", () => {
        const least = frameHeaderBytes + (encryption ? aeadTagBytes : 0);
        const most = maxRecordBytes + (encryption ? aeadTagBytes : 0);
        for (const [length, told] of [
          [least - 1, ["closed ERR_FRAME_TOO_SHORT"]],
          [least, []],
          [most, []],
          [most + 1, ["closed ERR_FRAME_TOO_LARGE"]],
        ] as const) {
          assert.deepEqual(awaiting().hear(uint32(length)).told, told, `${length} bytes`);
        }
      });
    });
  }

  describe(`a ${role} that cannot open the peer's first record`, () => {
    const own = new TextEncoder().encode("open sesame");
    const cases: Record<string, Ends["secrets"]> = {
      "as it has another secret": { own, peers: new TextEncoder().encode("open barley") },
      "as the peer has none": { own },
      "as it has none": { peers: own },
    };
    for (const [why, secrets] of Object.entries(cases)) {
      test(`says so, and lets the peer find out by itself, ${why}`, () => {
        const ends = new AwaitingHello({ role, encryption: true, secrets }).hearHello();
        assert.deepEqual(ends.told, ["closed ERR_AUTHENTICATION_FAILED"]);
        assert.equal(ends.nextRecord(), "ERR_AUTHENTICATION_FAILED");
      });
    }

    test("says so if it was changed on its way", () => {
      const ends = new AwaitingHello({ role, encryption: true }).hear(
        concat(hex("00 00 00 20"), pattern(32)),
      );
      assert.deepEqual(ends.told, ["closed ERR_AUTHENTICATION_FAILED"]);
    });
  });
}

test("a client sends its hello with the confirmation, without waiting for more", () => {
  for (const encryption of [false, true]) {
    const { writes } = new AwaitingHello({ role: "client", encryption });
    assert.deepEqual(writes.at(-2), hex("01"));
    assert.ok((writes.at(-1)?.length ?? 0) > 20);
  }
});
