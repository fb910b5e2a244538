import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Engine } from "#dist/protocol/engine.js";
import { defaultEngineLimits } from "#dist/protocol/limits.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { type Input, nextState, type State, transitions } from "#dist/protocol/states.js";
import { AwaitingHello } from "../support/awaiting-hello.ts";
import { hex, pattern } from "../support/bytes.ts";
import { nativeDefaults, thrownCode } from "../support/engine-probe.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fixedCrypto } from "../support/fixed-crypto.ts";
import {
  clientPrivateKey,
  clientPublicKey,
  serverPrivateKey,
  serverPublicKey,
  wireFor,
} from "../support/hand-made-peer.ts";
import { nativeFrame } from "../support/native-frames.ts";

type Role = "client" | "server";

/** A way into a state in which an engine speaks native, or is about to. */
interface Way {
  readonly state: State;
  readonly name: string;
  readonly encryption: boolean;
  enter(): AwaitingHello;
}

const resuming = {
  kind: "resume",
  sessionId: pattern(16),
  received: [0, 0, 0],
  proof: pattern(32),
} as const;

const ways: readonly Way[] = (["client", "server"] as const).flatMap((role) =>
  [false, true].flatMap((encryption): Way[] => {
    const native = { resumable: true };
    const awaiting = () => new AwaitingHello({ role, encryption, native, find: "not yet" });
    const open = () => awaiting().hearHello();
    const name = `${role}, ${encryption ? "encrypted" : "plain"}`;
    const way = (state: State, name: string, enter: () => AwaitingHello): Way => ({
      state,
      name,
      encryption,
      enter,
    });
    return [
      way(`${role}-awaits-native-hello`, name, awaiting),
      ...(role === "server"
        ? [way("server-awaits-session", name, () => awaiting().hearHello(resuming))]
        : []),
      way("open", name, open),
      way("closing", `${name}, after a close`, () => open().close()),
      way("closing", `${name}, after a close before it was open`, () => awaiting().close().hearHello()),
      way("closed", `${name}, after the peer's close`, () => open().hearFrames(nativeFrame("close"))),
      way("closed", `${name}, after the peer's end`, () => open().end()),
      way("closed", `${name}, after a fault`, () => open().hearFrames(nativeFrame(0x0f))),
    ];
  }),
);

const message = nativeFrame("message", [5], hex("01"));

/** One that the client cannot prove to have had part in. */
function anySession(): NativeSession {
  const { windows } = nativeDefaults;
  const session = new NativeSession({ maxMessageBytes: 1_000, windows });
  session.attach({ maxMessageBytes: 1_000, windows }, { id: pattern(16), resumptionKey: pattern(32, 9) });
  return session;
}

/** How each input is brought about, where that is possible on the native wire. */
const bringAbout: Record<Input, (ends: AwaitingHello, way: Way) => unknown> = {
  "plain-hello": (ends) => ends.hear(hex("02 00")),
  "encrypted-hello": (ends) => ends.hear(hex("02 01")),
  "server-key": (ends) => ends.hear(serverPublicKey),
  "client-key": (ends) => ends.hear(clientPublicKey),
  "maximum-size": (ends, { encryption }) => ends.hear(wireFor(encryption).maximumSize(3_145_728)),
  "native-maximum-size": (ends) => ends.hear(hex("00 00 00 0c 00 30 00 00 73 65 61 6c 70 69 70 31")),
  "plain-acceptance": (ends) => ends.hear(hex("00")),
  "encrypted-acceptance": (ends) => ends.hear(hex("00")),
  confirmation: (ends) => ends.hear(hex("00")),
  "native-confirmation": (ends) => ends.hear(hex("01")),
  "native-hello": (ends) => ends.hearHello(),
  "resuming-hello": (ends) => ends.hearHello(resuming),
  session: (ends) => ends.resume(undefined),
  message: (ends) => ends.hearFrames(message),
  discard: (ends) => ends.hearFrames(message),
  close: (ends) => ends.close(),
  end: (ends) => ends.end(),
  fault: (ends, { state }) =>
    state === "server-awaits-session" ? ends.resume(anySession()) : ends.hearFrames(nativeFrame(0x0f)),
  timeout: (ends) => {
    // An open engine waits for nothing until a record has begun.
    if (ends.engine.state === "open") ends.hear(hex("00 00"));
    ends.pass(3_600_000);
  },
};

/** What a pair that the table lacks comes to: the engine stays as it is, or throws, or ends with a code. */
type Outcome = "stays" | { throws: string } | { plain: string; encrypted: string };

const asRecord = (plain: string, encrypted = plain): Outcome => ({ plain, encrypted });
const tooLarge = asRecord("ERR_FRAME_TOO_LARGE");
/** Less than a record's length. */
const part = {
  "plain-hello": "stays",
  "encrypted-hello": "stays",
  "plain-acceptance": "stays",
  "encrypted-acceptance": "stays",
  confirmation: "stays",
  "native-confirmation": "stays",
  session: "stays",
} as const;
const dropped = {
  ...part,
  "server-key": "stays",
  "client-key": "stays",
  "maximum-size": "stays",
  "native-maximum-size": "stays",
  "native-hello": "stays",
  "resuming-hello": "stays",
  message: "stays",
} as const;

const beforeHello: Partial<Record<Input, Outcome>> = {
  ...part,
  "server-key": tooLarge,
  "client-key": tooLarge,
  "maximum-size": asRecord("ERR_FRAME_INVALID", "ERR_AUTHENTICATION_FAILED"),
  "native-maximum-size": asRecord("ERR_FRAME_INVALID", "ERR_FRAME_TOO_SHORT"),
  message: asRecord("ERR_FRAME_INVALID"),
  discard: asRecord("ERR_FRAME_INVALID"),
  // To a client it is an answer to what it has not asked.
  "resuming-hello": asRecord("ERR_FRAME_INVALID"),
};

const inRecords: Partial<Record<Input, Outcome>> = {
  ...part,
  "server-key": tooLarge,
  "client-key": tooLarge,
  "maximum-size": asRecord("ERR_FRAME_INVALID", "ERR_DECRYPTION_FAILED"),
  "native-maximum-size": asRecord("ERR_FRAME_INVALID", "ERR_FRAME_TOO_SHORT"),
  "native-hello": asRecord("ERR_FRAME_INVALID"),
  "resuming-hello": asRecord("ERR_FRAME_INVALID"),
};

function elsewhere(state: State): Partial<Record<Input, Outcome>> {
  switch (state) {
    case "open":
      // Nothing is dropped: it is a message.
      return { ...inRecords, discard: "stays" };
    case "closing":
      return { ...inRecords, message: "stays" };
    case "server-awaits-session":
      // What comes meanwhile waits.
      return { ...dropped, discard: "stays" };
    case "closed":
      return { ...dropped, fault: "stays", timeout: "stays" };
    default:
      return beforeHello;
  }
}

for (const way of ways) {
  const { state } = way;
  describe(`a native engine that is ${state} (${way.name})`, () => {
    for (const input of Object.keys(bringAbout) as Input[]) {
      const next = transitions[state][input];
      if (next !== undefined) {
        test(`goes to ${next} with "${input}"`, () => {
          const ends = way.enter();
          assert.equal(ends.engine.state, state);
          bringAbout[input](ends, way);
          assert.equal(ends.engine.state, next);
          assert.equal(nextState(state, input), next);
        });
        continue;
      }
      test(`has no "${input}"`, () => {
        assert.throws(() => nextState(state, input), /the engine's table has no/);
        checkOutcome(elsewhere(state)[input], input, way);
      });
    }
  });
}

function checkOutcome(outcome: Outcome | undefined, input: Input, way: Way): void {
  assert.ok(outcome, "the test knows what it comes to");
  const ends = way.enter();
  if (outcome !== "stays" && "throws" in outcome) {
    assert.equal(
      thrownCode(() => bringAbout[input](ends, way)),
      outcome.throws,
    );
    assert.equal(ends.engine.state, way.state);
    return;
  }
  const toldBefore = ends.told.length;
  bringAbout[input](ends, way);
  if (outcome === "stays") {
    assert.equal(ends.engine.state, way.state);
    if (way.state !== "open") assert.equal(ends.told.length, toldBefore);
    return;
  }
  assert.equal(ends.engine.state, "closed");
  assert.equal(ends.told.at(-1), `closed ${way.encryption ? outcome.encrypted : outcome.plain}`);
}

describe("two engines that both speak native", () => {
  const path: Record<Role, Record<"plain" | "encrypted", readonly State[]>> = {
    client: {
      plain: ["client-awaits-hello", "client-awaits-maximum-size", "client-awaits-native-hello", "open"],
      encrypted: [
        "client-awaits-hello",
        "client-awaits-server-key",
        "client-awaits-maximum-size",
        "client-awaits-native-hello",
        "open",
      ],
    },
    server: {
      plain: ["server-awaits-answer", "server-awaits-confirmation", "server-awaits-native-hello", "open"],
      encrypted: [
        "server-awaits-answer",
        "server-awaits-client-key",
        "server-awaits-confirmation",
        "server-awaits-native-hello",
        "open",
      ],
    },
  };

  for (const wire of ["plain", "encrypted"] as const) {
    test(`go through the table's states, ${wire}`, () => {
      const clock = new FakeClock();
      const make = (role: Role): Engine =>
        new Engine({
          role,
          encryption: wire === "encrypted",
          limits: defaultEngineLimits,
          native: nativeDefaults,
          clock,
          crypto: fixedCrypto({ privateKey: role === "client" ? clientPrivateKey : serverPrivateKey }),
        });
      const engines = { client: make("client"), server: make("server") };
      const seen: Record<Role, State[]> = { client: [], server: [] };
      const look = (role: Role): void => {
        if (seen[role].at(-1) !== engines[role].state) seen[role].push(engines[role].state);
      };
      /** Byte by byte, so that no state is passed over. */
      const pass = (from: Role, to: Role): boolean => {
        look(to);
        const parts = engines[from].takeOutput();
        for (const byte of parts.flatMap((part) => [...part])) {
          engines[to].receive(Uint8Array.of(byte));
          engines[to].nextEvent();
          look(to);
        }
        return parts.length > 0;
      };
      for (let moved = true; moved; ) {
        const toClient = pass("server", "client");
        moved = pass("client", "server") || toClient;
      }
      assert.deepEqual(seen.client, path.client[wire]);
      assert.deepEqual(seen.server, path.server[wire]);
    });
  }
});
