/**
 * The states of an engine. Source: spec/protocol.md, "States".
 */
export type State =
  | "client-awaits-hello"
  | "client-awaits-server-key"
  | "client-awaits-maximum-size"
  | "client-awaits-native-hello"
  | "server-awaits-answer"
  | "server-awaits-client-key"
  | "server-awaits-confirmation"
  | "server-awaits-native-hello"
  | "server-awaits-session"
  | "open"
  | "closing"
  | "closed";

/** What can happen to an engine: a part from the peer, a call of this end, or a timeout. */
export type Input =
  | "plain-hello"
  | "encrypted-hello"
  | "server-key"
  | "maximum-size"
  | "native-maximum-size"
  | "plain-acceptance"
  | "encrypted-acceptance"
  | "client-key"
  | "confirmation"
  | "native-confirmation"
  | "native-hello"
  | "resuming-hello"
  | "session"
  | "message"
  | "discard"
  | "close"
  | "end"
  | "fault"
  | "timeout";

export type Transitions = Readonly<Record<State, Readonly<Partial<Record<Input, State>>>>>;

// These end the handshake in every state. A close does not: a golang-ipc server whose client hangs up in the
// handshake stops serving, so the handshake is finished first, and `close` comes again once the engine is open.
const endings = { end: "closed", fault: "closed", timeout: "closed" } as const;

/**
 * Every allowed pair of state and input, and the state it leads to. The engine looks each step up here, and a pair
 * that is not here cannot happen; the spec's table is printed from this.
 */
export const transitions: Transitions = {
  "client-awaits-hello": {
    "plain-hello": "client-awaits-maximum-size",
    "encrypted-hello": "client-awaits-server-key",
    close: "client-awaits-hello",
    ...endings,
  },
  "client-awaits-server-key": {
    "server-key": "client-awaits-maximum-size",
    close: "client-awaits-server-key",
    ...endings,
  },
  "client-awaits-maximum-size": {
    "maximum-size": "open",
    "native-maximum-size": "client-awaits-native-hello",
    close: "client-awaits-maximum-size",
    ...endings,
  },
  "client-awaits-native-hello": {
    "native-hello": "open",
    close: "client-awaits-native-hello",
    ...endings,
  },
  "server-awaits-answer": {
    "plain-acceptance": "server-awaits-confirmation",
    "encrypted-acceptance": "server-awaits-client-key",
    close: "server-awaits-answer",
    ...endings,
  },
  "server-awaits-client-key": {
    "client-key": "server-awaits-confirmation",
    close: "server-awaits-client-key",
    ...endings,
  },
  // Any byte is a confirmation, so there is no `fault`.
  "server-awaits-confirmation": {
    confirmation: "open",
    "native-confirmation": "server-awaits-native-hello",
    close: "server-awaits-confirmation",
    end: "closed",
    timeout: "closed",
  },
  "server-awaits-native-hello": {
    "native-hello": "open",
    "resuming-hello": "server-awaits-session",
    close: "server-awaits-native-hello",
    ...endings,
  },
  // The acceptor answers in the same turn whether there is such a session.
  "server-awaits-session": {
    session: "open",
    close: "server-awaits-session",
    ...endings,
  },
  open: { message: "open", close: "closing", ...endings },
  closing: { discard: "closing", close: "closing", ...endings },
  closed: { discard: "closed", close: "closed", end: "closed" },
};

/**
 * The state that `input` leads to. A pair that the table lacks is a defect of this library, never the peer's fault.
 */
export function nextState(state: State, input: Input): State {
  const next = transitions[state][input];
  if (next === undefined) throw new Error(`the engine's table has no "${input}" in state "${state}"`);
  return next;
}
