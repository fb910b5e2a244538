import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { frameHeaderBytes } from "#dist/protocol/native/wire/frame.js";
import {
  type ClientSession,
  decodeNativeHello,
  encodeNativeHello,
  type NativeHello,
  type ServerSession,
} from "#dist/protocol/native/wire/hello.js";
import type { Offers } from "#dist/protocol/native/wire/offers.js";
import { concat, hex, pattern, toHex, uint32 } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";

const hello = {
  maxMessageBytes: 3_145_728,
  windows: [65_536, 1_048_576, 2_147_483_647] as const,
  pid: 4_711,
  library: "sealpipe 0.1.0",
  application: "Müller",
  applicationVersion: "",
};

const common =
  "00 30 00 00 | 00 01 00 00 00 10 00 00 7f ff ff ff | 00 00 12 67" +
  "| 0e 73 65 61 6c 70 69 70 65 20 30 2e 31 2e 30 | 07 4d c3 bc 6c 6c 65 72 | 00".replaceAll("|", "");
const bytes = (text: string) => hex(text.replaceAll("|", ""));
const received = "0000000000000001 0000000200000003 0000000000000004";
const sessionId = pattern(16);
const proof = pattern(32, 1);

const clientSessions: readonly (readonly [ClientSession, Uint8Array])[] = [
  [{ kind: "none" }, hex("00")],
  [{ kind: "new" }, hex("01")],
  [
    { kind: "resume", sessionId, received: [1, 0x2_0000_0003, 4], proof },
    concat(hex("02"), sessionId, hex(received), proof),
  ],
];
const serverSessions: readonly (readonly [ServerSession, Uint8Array])[] = [
  [{ kind: "none" }, hex("00")],
  [{ kind: "new", sessionId }, concat(hex("01"), sessionId)],
  [{ kind: "resumed", received: [1, 0x2_0000_0003, 4], proof }, concat(hex("02"), hex(received), proof)],
  [{ kind: "refused", code: "NO_1", message: "é" }, hex("03 04 4e 4f 5f 31 02 c3 a9")],
];
const all = [
  ...clientSessions.map(([session, end]) => ({ from: "client", session, end }) as const),
  ...serverSessions.map(([session, end]) => ({ from: "server", session, end }) as const),
];

/** Features that nobody knows are among them. */
const offers: Offers = {
  features: 0xffff_fffe,
  streamLaneWindow: 65_536,
  maxConcurrentStreams: 7,
  streamWindow: 2_147_483_647,
  receivedStreams: 0x2_0000_0003,
  codec: "json",
  contracts: [
    { name: "daemon", version: "1", hash: pattern(32, 3) },
    { name: "é", version: "", hash: pattern(32, 4) },
  ],
};
const offersBytes = concat(
  bytes(
    "ff ff ff fe | 00 01 00 00 | 00 00 00 07 | 7f ff ff ff | 00 00 00 02 00 00 00 03 | 04 6a 73 6f 6e | 02",
  ),
  bytes("06 64 61 65 6d 6f 6e | 01 31"),
  pattern(32, 3),
  bytes("02 c3 a9 | 00"),
  pattern(32, 4),
);

const bodyWith = (end: Uint8Array) => concat(bytes(common), end);
const refusal = (body: Uint8Array, from: "client" | "server" = "client") =>
  thrownCode(() => decodeNativeHello(body, from));

describe("a native hello", () => {
  for (const { from, session, end } of all) {
    test(`of a ${from} with the session "${session.kind}" is one frame, and is read back`, () => {
      const body = bodyWith(end);
      const frame = encodeNativeHello({ ...hello, session });
      assert.equal(toHex(frame), `01 00 00 ${toHex(Uint8Array.of(body.length))} ${toHex(body)}`);
      assert.deepEqual(decodeNativeHello(body, from), { ...hello, session });
    });

    test(`of a ${from} with the session "${session.kind}" is refused wherever it is cut short`, () => {
      const body = bodyWith(end);
      for (let length = 0; length < body.length; length++) {
        assert.equal(refusal(body.subarray(0, length), from), "ERR_FRAME_INVALID", `${length} bytes`);
      }
    });

    test(`of a ${from} with the session "${session.kind}" may have offers, and more behind them`, () => {
      const frame = encodeNativeHello({ ...hello, session, offers });
      const body = concat(bodyWith(end), offersBytes);
      assert.equal(toHex(frame.subarray(frameHeaderBytes)), toHex(body));
      assert.deepEqual(decodeNativeHello(body, from), { ...hello, session, offers });
      assert.deepEqual(decodeNativeHello(concat(body, pattern(100)), from), { ...hello, session, offers });
    });

    test(`of a ${from} with the session "${session.kind}" is refused wherever its offers are cut short`, () => {
      const body = concat(bodyWith(end), offersBytes);
      for (let length = bodyWith(end).length + 1; length < body.length; length++) {
        assert.equal(refusal(body.subarray(0, length), from), "ERR_FRAME_INVALID", `${length} bytes`);
      }
    });
  }

  test("has texts of 255 bytes at the most", () => {
    const text = "é".repeat(127).concat("e");
    const longest: NativeHello<ClientSession> = {
      ...hello,
      library: text,
      application: text,
      applicationVersion: text,
      session: { kind: "none" },
    };
    assert.deepEqual(
      decodeNativeHello(encodeNativeHello(longest).subarray(frameHeaderBytes), "client"),
      longest,
    );
    assert.throws(() => encodeNativeHello({ ...longest, application: `${text}e` }), RangeError);
  });

  test("keeps a mark of byte order that a text begins with", () => {
    const marked: NativeHello<ClientSession> = {
      ...hello,
      application: "\ufeffa",
      session: { kind: "none" },
    };
    assert.equal(
      decodeNativeHello(encodeNativeHello(marked).subarray(frameHeaderBytes), "client").application,
      "\ufeffa",
    );
  });

  test("is refused with a text that is no UTF-8", () => {
    for (const broken of ["ff", "c3", "c0 80", "ed a0 80", "f4 90 80 80"].map(hex)) {
      const body = concat(
        bytes(common).subarray(0, 20),
        Uint8Array.of(broken.length),
        broken,
        hex("00 00 00"),
      );
      assert.equal(refusal(body), "ERR_FRAME_INVALID", toHex(broken));
    }
  });

  test("is refused with a window outside of its bounds", () => {
    for (const offset of [4, 8, 12]) {
      for (const window of [0, 65_535, 2_147_483_648, 4_294_967_295]) {
        const body = bodyWith(hex("00"));
        body.set(uint32(window), offset);
        assert.equal(refusal(body), "ERR_FRAME_INVALID", `${window} at ${offset}`);
      }
    }
  });

  test("is refused with a session that there is not", () => {
    for (let kind = 3; kind <= 255; kind++) {
      const body = concat(bodyWith(Uint8Array.of(kind)), pattern(72));
      assert.equal(refusal(body, "client"), "ERR_FRAME_INVALID");
      if (kind > 3) assert.equal(refusal(body, "server"), "ERR_FRAME_INVALID");
    }
  });

  test("of a server that refuses is refused itself without a code", () => {
    for (const code of ["", "no", "A B", "A".repeat(65)]) {
      const text = Buffer.from(code);
      const body = bodyWith(concat(hex("03"), Uint8Array.of(text.length), text, hex("00")));
      assert.equal(refusal(body, "server"), "ERR_FRAME_INVALID", code);
    }
  });

  test("has room for sixteen contracts", () => {
    const contract = { name: "x", version: "", hash: pattern(32) };
    const session = { kind: "none" } as const;
    const many = (count: number) => ({ ...offers, contracts: Array(count).fill(contract) });
    const frame = encodeNativeHello({ ...hello, session, offers: many(16) });
    assert.deepEqual(decodeNativeHello(frame.subarray(frameHeaderBytes), "client").offers, many(16));
    assert.throws(() => encodeNativeHello({ ...hello, session, offers: many(17) }), RangeError);
    const count = frame.lastIndexOf(16, frameHeaderBytes + bodyWith(hex("00")).length + 30);
    frame[count] = 17;
    assert.equal(refusal(concat(frame.subarray(frameHeaderBytes), pattern(100))), "ERR_FRAME_INVALID");
  });

  test("is refused with windows of streams outside of their bounds, and with a position of 2^53", () => {
    for (const offset of [4, 12]) {
      for (const window of [0, 65_535, 2_147_483_648]) {
        const tail = Uint8Array.from(offersBytes);
        tail.set(uint32(window), offset);
        assert.equal(
          refusal(concat(bodyWith(hex("00")), tail)),
          "ERR_FRAME_INVALID",
          `${window} at ${offset}`,
        );
      }
    }
    const tail = Uint8Array.from(offersBytes);
    tail.set(hex("00 20 00 00 00 00 00 00"), 16);
    assert.equal(refusal(concat(bodyWith(hex("00")), tail)), "ERR_FRAME_INVALID");
  });

  test("is refused with a position of 2^53 or more", () => {
    const body = bodyWith(concat(hex("02"), sessionId, hex("0020000000000000"), new Uint8Array(16), proof));
    assert.equal(refusal(body), "ERR_FRAME_INVALID");
  });

  test("is nothing but a hello or ERR_FRAME_INVALID, whatever its bytes", () => {
    const from = fc.constantFrom("client" as const, "server" as const);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.nat(), from, (junk, at, side) => {
        const body = bodyWith(concat(hex("02"), sessionId, hex(received), proof));
        body.set(junk.subarray(0, body.length - (at % body.length)), at % body.length);
        try {
          decodeNativeHello(body, side);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "ERR_FRAME_INVALID");
        }
      }),
      { numRuns: 500 },
    );
  });

  test("shares no memory with the record it came in", () => {
    const body = Buffer.from(bodyWith(concat(hex("02"), sessionId, hex(received), proof)));
    const read = decodeNativeHello(body, "client");
    body.fill(0);
    assert.deepEqual(read.session, clientSessions[2]?.[0]);
  });
});
