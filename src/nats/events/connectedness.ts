import type { NatsConnection } from "../connection.ts";

const states = new WeakMap<NatsConnection, { connected: boolean }>();

/** Whether it has a server at the moment, as far as was heard since this was first asked. */
export function isConnected(nats: NatsConnection): boolean {
  const known = states.get(nats);
  if (known !== undefined) return known.connected;
  const state = { connected: true };
  states.set(nats, state);
  void watch(nats, state);
  return true;
}

async function watch(nats: NatsConnection, state: { connected: boolean }): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === "disconnect") state.connected = false;
    if (type === "reconnect") state.connected = true;
  }
}
