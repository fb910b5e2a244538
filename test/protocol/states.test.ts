import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nextState, type State, transitions, type Input as WholeInput } from "#dist/protocol/states.js";
import { hex, pattern } from "../support/bytes.ts";
import type { EngineProbe } from "../support/engine-probe.ts";
import { nativeStates, type Way, waysInto } from "../support/engine-states.ts";
import { clientPublicKey, serverPublicKey, wireFor } from "../support/hand-made-peer.ts";

type NativeInput =
  | "native-maximum-size"
  | "native-confirmation"
  | "native-hello"
  | "resuming-hello"
  | "session";
type Input = Exclude<WholeInput, NativeInput>;
type ClassicState = Exclude<State, (typeof nativeStates)[number]>;

/** How each input is brought about. The peer's are bytes, whatever the engine makes of them. */
const bringAbout: Record<Input, (probe: EngineProbe, way: Way) => unknown> = {
  "plain-hello": (probe) => probe.receive(hex("02 00")),
  "encrypted-hello": (probe) => probe.receive(hex("02 01")),
  "server-key": (probe) => probe.receive(serverPublicKey),
  "maximum-size": (probe, way) => probe.receive(wireFor(way.encrypted).maximumSize(3_145_728)),
  "plain-acceptance": (probe) => probe.receive(hex("00")),
  "encrypted-acceptance": (probe) => probe.receive(hex("00")),
  "client-key": (probe) => probe.receive(clientPublicKey),
  confirmation: (probe) => probe.receive(hex("00")),
  message: (probe, way) => probe.receive(wireFor(way.encrypted).message(5, hex("01 02"))),
  discard: (probe) => probe.receive(hex("ff")),
  close: (probe) => probe.close(),
  end: (probe) => probe.end(),
  fault: (probe) => probe.receive(faults[probe.state] ?? hex("ff ff ff ff")),
  timeout: (probe) => {
    // An open engine waits for nothing until a frame has begun.
    if (probe.state === "open") probe.receive(hex("00 00"));
    probe.passAllTimeouts();
  },
};

const faults: Partial<Record<State, Uint8Array>> = {
  "client-awaits-hello": hex("01 00"),
  "client-awaits-server-key": pattern(97),
  "server-awaits-answer": hex("03"),
  "server-awaits-client-key": pattern(97),
};

/** What a pair that the table lacks comes to: the engine stays as it was, or goes to a state, or gives a code. */
type Outcome = "stays" | State | `ERR_${string}` | { plain: Outcome; encrypted: Outcome };

const asAcceptance = { plain: "server-awaits-confirmation", encrypted: "server-awaits-client-key" } as const;
const asAcceptanceAndMore = { plain: "open", encrypted: "server-awaits-client-key" } as const;
const discarded = {
  "plain-hello": "stays",
  "encrypted-hello": "stays",
  "server-key": "stays",
  "maximum-size": "stays",
  "plain-acceptance": "stays",
  "encrypted-acceptance": "stays",
  "client-key": "stays",
  confirmation: "stays",
  message: "stays",
  fault: "stays",
} as const;

const { fault: _, ...inClosing } = discarded;

const elsewhere: Record<ClassicState, Partial<Record<Input, Outcome>>> = {
  "client-awaits-hello": {
    "server-key": "ERR_VERSION_MISMATCH",
    "maximum-size": "ERR_VERSION_MISMATCH",
    "plain-acceptance": "stays",
    "encrypted-acceptance": "stays",
    "client-key": "ERR_VERSION_MISMATCH",
    confirmation: "stays",
    message: "ERR_VERSION_MISMATCH",
    discard: "stays",
  },
  "client-awaits-server-key": {
    "plain-hello": "stays",
    "encrypted-hello": "stays",
    "maximum-size": "stays",
    "plain-acceptance": "stays",
    "encrypted-acceptance": "stays",
    "client-key": "ERR_INVALID_PUBLIC_KEY",
    confirmation: "stays",
    message: "stays",
    discard: "stays",
  },
  "client-awaits-maximum-size": {
    "plain-hello": "stays",
    "encrypted-hello": "stays",
    "server-key": "ERR_FRAME_TOO_LARGE",
    "plain-acceptance": "stays",
    "encrypted-acceptance": "stays",
    "client-key": "ERR_FRAME_TOO_LARGE",
    confirmation: "stays",
    // Its type is taken for the size.
    message: "open",
    discard: "stays",
  },
  "server-awaits-answer": {
    "plain-hello": "ERR_ENCRYPTION_REQUIRED",
    "encrypted-hello": "ERR_ENCRYPTION_REQUIRED",
    "server-key": "ERR_HANDSHAKE_REJECTED",
    "maximum-size": asAcceptanceAndMore,
    "client-key": "ERR_HANDSHAKE_REJECTED",
    confirmation: asAcceptance,
    message: asAcceptanceAndMore,
    discard: "ERR_HANDSHAKE_REJECTED",
  },
  "server-awaits-client-key": {
    "plain-hello": "stays",
    "encrypted-hello": "stays",
    "server-key": "ERR_INVALID_PUBLIC_KEY",
    "maximum-size": "stays",
    "plain-acceptance": "stays",
    "encrypted-acceptance": "stays",
    confirmation: "stays",
    message: "stays",
    discard: "stays",
  },
  // Any byte is the confirmation, and what follows it is the first frame.
  "server-awaits-confirmation": {
    "plain-hello": "open",
    "encrypted-hello": "open",
    "server-key": "ERR_PEER_MESSAGE_TOO_LARGE",
    "maximum-size": "open",
    "plain-acceptance": "open",
    "encrypted-acceptance": "open",
    "client-key": "ERR_PEER_MESSAGE_TOO_LARGE",
    message: "open",
    discard: "open",
    fault: "open",
  },
  open: {
    "plain-hello": "stays",
    "encrypted-hello": "stays",
    "server-key": "ERR_PEER_MESSAGE_TOO_LARGE",
    // A message whose type is the size.
    "maximum-size": "open",
    "plain-acceptance": "stays",
    "encrypted-acceptance": "stays",
    "client-key": "ERR_PEER_MESSAGE_TOO_LARGE",
    confirmation: "stays",
    discard: "stays",
  },
  closing: inClosing,
  closed: { ...discarded, timeout: "stays" },
};

const states = Object.keys(elsewhere) as ClassicState[];
const inputs = Object.keys(bringAbout) as Input[];

/** A plain server has only a plain acceptance to receive, and so on. */
function waysFor(state: State, input: Input): Way[] {
  const needsPlain = input === "plain-hello" || input === "plain-acceptance";
  return waysInto(state).filter((way) => {
    // What a classic end says after our close is dropped unread, faults among it.
    if (state === "closing" && input === "fault") return false;
    if (transitions[state][input] === undefined) return true;
    return input === "encrypted-acceptance" ? way.encrypted : !(needsPlain && way.encrypted);
  });
}

describe("pairs of state and input that the table has", () => {
  for (const state of states) {
    for (const input of inputs) {
      const next = transitions[state][input];
      if (next === undefined) continue;
      for (const way of waysFor(state, input)) {
        test(`"${input}" leads from ${state} to ${next} (${way.name})`, () => {
          const probe = way.enter();
          assert.equal(probe.state, state);
          bringAbout[input](probe, way);
          assert.equal(probe.state, next);
          assert.equal(nextState(state, input), next);
        });
      }
    }
  }
});

describe("the steps of a native handshake", () => {
  test("lead to the native hello, and from it on", () => {
    assert.equal(
      nextState("client-awaits-maximum-size", "native-maximum-size"),
      "client-awaits-native-hello",
    );
    assert.equal(
      nextState("server-awaits-confirmation", "native-confirmation"),
      "server-awaits-native-hello",
    );
    for (const state of nativeStates) {
      assert.equal(nextState(state, state === "server-awaits-session" ? "session" : "native-hello"), "open");
      assert.equal(nextState(state, "close"), state);
      for (const input of ["end", "fault", "timeout"] as const)
        assert.equal(nextState(state, input), "closed");
      for (const input of ["maximum-size", "confirmation", "message", "discard"] as const) {
        assert.throws(() => nextState(state, input), /the engine's table has no/);
      }
    }
  });
});

describe("pairs that the table lacks", () => {
  for (const state of states) {
    for (const input of inputs) {
      if (transitions[state][input] !== undefined) continue;
      test(`nextState refuses "${input}" in ${state}`, () => {
        assert.throws(() => nextState(state, input), new RegExp(`no "${input}" in state "${state}"`));
      });
      for (const way of waysFor(state, input)) {
        test(`the engine in ${state} has no "${input}" (${way.name})`, () => {
          const outcome = elsewhere[state][input];
          assert.ok(outcome, "the test knows what it comes to");
          checkOutcome(outcome, state, input, way);
        });
      }
    }
  }

  test("are all this test's pairs", () => {
    for (const state of states) {
      const both = Object.keys(elsewhere[state]).filter((input) => transitions[state][input as Input]);
      assert.deepEqual(both, []);
    }
  });
});

function checkOutcome(outcome: Outcome, state: State, input: Input, way: Way): void {
  if (typeof outcome === "object") {
    checkOutcome(way.encrypted ? outcome.encrypted : outcome.plain, state, input, way);
    return;
  }
  const probe = way.enter();
  bringAbout[input](probe, way);
  if (outcome.startsWith("ERR_")) {
    assert.equal(probe.state, "closed");
    assert.equal(probe.events.at(-1), `closed ${outcome}`);
  } else if (outcome === "stays") {
    assert.equal(probe.state, state);
    assert.deepEqual(probe.events, []);
    assert.equal(probe.written(), "");
  } else {
    assert.equal(probe.state, outcome);
  }
}
