import type { Payload } from "../peers/peer.ts";

const idBytes = 8;

/** `payload` behind the number that its answer will carry: what users of a peer without requests write themselves. */
export function withId(id: number, payload: Payload): Payload {
  if (typeof payload === "string") return id.toString(16).padStart(idBytes, "0") + payload;
  const bytes = Buffer.allocUnsafe(idBytes + payload.length);
  bytes.writeUInt32BE(0);
  bytes.writeUInt32BE(id, 4);
  bytes.set(payload, idBytes);
  return bytes;
}

export function idOf(payload: Payload): number {
  if (typeof payload === "string") return Number.parseInt(payload.slice(0, idBytes), 16);
  return (
    (((payload[4] as number) << 24) |
      ((payload[5] as number) << 16) |
      ((payload[6] as number) << 8) |
      (payload[7] as number)) >>>
    0
  );
}

export function withoutId(payload: Payload): Payload {
  return typeof payload === "string" ? payload.slice(idBytes) : payload.subarray(idBytes);
}
