import type { TestContext } from "node:test";
import type { Connection, Server } from "sealpipe";
import { concat, uint32 } from "./bytes.ts";
import { frame } from "./hand-made-peer.ts";
import { accepted, RawPeer } from "./raw-peer.ts";
import { nextEvent } from "./waiting.ts";

/** A frame of the native profile: its kind, then its body's length. */
export function nativeFrame(kind: number, ...body: Uint8Array[]): Uint8Array {
  const bytes = concat(...body);
  return concat(Uint8Array.of(kind), uint32(bytes.length).subarray(1), bytes);
}

/** A plain record of these frames. */
export function nativeRecord(...frames: Uint8Array[]): Uint8Array {
  return frame(...frames);
}

const window = 1_048_576;

/** A hello of a client that wants no session, with bytes of its own and nothing of the library's. */
export function nativeHello(...rest: readonly Uint8Array[]): Uint8Array {
  const numbers = [1_073_741_824, window, window, window, 4_711].map(uint32);
  return nativeFrame(0x01, ...numbers, Uint8Array.of(0, 0, 0), Uint8Array.of(0), ...rest);
}

/** The rest of a hello that has the feature streams, and neither a codec nor contracts. */
export function streamOffers(bytes = window): Uint8Array[] {
  return [...[1, bytes, 64, bytes, 0, 0].map(uint32), Uint8Array.of(0, 0)];
}

/** A bare socket that speaks the native profile with a server without encryption, once the session is open. */
export async function nativeRawClientOf(
  t: TestContext,
  server: Server,
): Promise<{ peer: RawPeer; connection: Connection }> {
  const connected = nextEvent<[Connection]>(server, "connection");
  const peer = await RawPeer.connect(server.address);
  t.after(() => peer.destroy());
  await peer.receive(2);
  peer.send(accepted);
  const maximumSizeFrame = 4 + 4 + 8;
  await peer.receive(maximumSizeFrame);
  peer.send(Uint8Array.of(0x01), nativeRecord(nativeHello()));
  const [connection] = await connected;
  return { peer, connection };
}
