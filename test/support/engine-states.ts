import type { State } from "#dist/protocol/states.js";
import { concat, hex } from "./bytes.ts";
import { EngineProbe, type ProbeOptions } from "./engine-probe.ts";
import { clientPublicKey, serverPublicKey, wireFor } from "./hand-made-peer.ts";

/** How far a handshake goes: the bytes from the peer that bring a fresh engine into each state. */
export interface Path {
  readonly role: "client" | "server";
  readonly encrypted: boolean;
  readonly bytes: Uint8Array;
}

const clientHello = (encrypted: boolean) => hex(encrypted ? "02 01" : "02 00");

/** All that a client hears in a handshake. */
export function serverHandshake(encrypted: boolean, maxMessageBytes = 3_145_728): Uint8Array {
  const key = encrypted ? serverPublicKey : hex("");
  return concat(clientHello(encrypted), key, wireFor(encrypted).maximumSize(maxMessageBytes));
}

/** All that a server hears in a handshake. */
export function clientHandshake(encrypted: boolean): Uint8Array {
  return concat(hex("00"), encrypted ? clientPublicKey : hex(""), hex("00"));
}

const client = (encrypted: boolean, bytes: Uint8Array): Path => ({ role: "client", encrypted, bytes });
const server = (encrypted: boolean, bytes: Uint8Array): Path => ({ role: "server", encrypted, bytes });

/** What only two ends that speak native come to. */
export const nativeStates = [
  "client-awaits-native-hello",
  "server-awaits-native-hello",
  "server-awaits-session",
] as const satisfies readonly State[];
type NativeState = (typeof nativeStates)[number];
export type ClassicState = Exclude<State, NativeState>;

/** The ways into the states that a peer's bytes alone lead to. */
export const paths: Record<Exclude<State, NativeState | "closing" | "closed">, readonly Path[]> = {
  "client-awaits-hello": [client(false, hex("")), client(true, hex(""))],
  "client-awaits-server-key": [client(true, hex("02 01"))],
  "client-awaits-maximum-size": [
    client(false, hex("02 00")),
    client(true, concat(hex("02 01"), serverPublicKey)),
  ],
  "server-awaits-answer": [server(false, hex("")), server(true, hex(""))],
  "server-awaits-client-key": [server(true, hex("00"))],
  "server-awaits-confirmation": [server(false, hex("00")), server(true, concat(hex("00"), clientPublicKey))],
  open: [
    client(false, serverHandshake(false)),
    client(true, serverHandshake(true)),
    server(false, clientHandshake(false)),
    server(true, clientHandshake(true)),
  ],
};

export const handshakeStates = [
  "client-awaits-hello",
  "client-awaits-server-key",
  "client-awaits-maximum-size",
  "server-awaits-answer",
  "server-awaits-client-key",
  "server-awaits-confirmation",
] as const satisfies readonly State[];

/** All that an engine comes to that speaks classic. */
export const classicStates: readonly ClassicState[] = [...handshakeStates, "open", "closing", "closed"];

/** One of the ways into a state, ready to be gone. */
export interface Way {
  /** For a test's name: `client, encrypted`. */
  readonly name: string;
  readonly role: "client" | "server";
  readonly encrypted: boolean;
  /** A fresh engine in that state, its events and output taken. */
  readonly enter: (options?: Omit<ProbeOptions, "role" | "encryption">) => EngineProbe;
}

/** Every way to bring an engine into `state`: as a client and a server, plain and encrypted, where there are. */
export function waysInto(state: State): Way[] {
  if (state === "closing") {
    return [
      ...waysOn("open", "after a close", (probe) => probe.pass(1_000).close()),
      ...waysOn("open", "after a close as soon as it was open", (probe) => probe.close()),
    ];
  }
  if (state === "closed") {
    return [
      ...waysOn("open", "after the peer's end", (probe) => probe.end()),
      ...waysOn("open", "after a fault", (probe) => probe.receive(hex("ff ff ff ff"))),
      ...waysOn("closing", "and its timeout", (probe) => probe.passAllTimeouts()),
    ];
  }
  if (isNative(state)) return [];
  return paths[state].map(({ role, encrypted, bytes }) => ({
    name: `${role}, ${encrypted ? "encrypted" : "plain"}`,
    role,
    encrypted,
    enter: (options = {}) =>
      quiet(new EngineProbe({ ...options, role, encryption: encrypted }).receive(bytes)),
  }));
}

function isNative(state: State): state is NativeState {
  return nativeStates.includes(state as NativeState);
}

/** A plain client that has been open for a second, so that a close of it need not wait. */
export function openClient(options: Omit<ProbeOptions, "role" | "encryption"> = {}): EngineProbe {
  const probe = new EngineProbe({ ...options, role: "client" }).receive(serverHandshake(false));
  return quiet(probe.pass(1_000));
}

function waysOn(state: State, name: string, go: (probe: EngineProbe) => EngineProbe): Way[] {
  return waysInto(state).map((way) => ({
    ...way,
    name: `${way.name}, ${name}`,
    enter: (options) => quiet(go(way.enter(options))),
  }));
}

function quiet(probe: EngineProbe): EngineProbe {
  probe.takeWrites();
  probe.events.length = 0;
  return probe;
}
