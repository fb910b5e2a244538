import type { Channel, CreatePeer, Payload, Peer } from "./peer.ts";
import { createPeer as createRawNet } from "./raw-net.ts";

/** Raw `net` with a fault: what the benchmark must not believe. For its own tests. */
export const createPeer: CreatePeer = async ({ fault }) => {
  const peer = (await createRawNet({ coalesces: true })) as Peer;
  return {
    ...peer,
    listen: (name, opened) => peer.listen(name, (channel) => opened(withFault(channel, String(fault), 1))),
    connect: async (name) => withFault(await peer.connect(name), String(fault), 2),
  };
};

/** `bit`: another at each end, or an echo would put right what was changed on the way there. */
function withFault(channel: Channel, fault: string, bit: number): Channel {
  let sent = 0;
  const send = channel.send.bind(channel);
  channel.send = (payload) => {
    sent += 1;
    // The first few are the greeting and its answer.
    if (sent !== 20) return send(payload);
    if (fault === "loses") return undefined;
    return send(
      changed(
        payload as Uint8Array,
        fault === "changes the end" ? payload.length - 1 : payload.length >> 1,
        bit,
      ),
    );
  };
  return channel;
}

function changed(payload: Uint8Array, at: number, bit: number): Payload {
  const copy = Uint8Array.from(payload);
  copy[at] = (copy[at] as number) ^ bit;
  return copy;
}
