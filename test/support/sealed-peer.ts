import {
  clientPrivateKey,
  clientPublicKey,
  goTrafficKey,
  plainWire,
  SealedWire,
  serverPrivateKey,
  serverPublicKey,
  type Wire,
} from "./hand-made-peer.ts";
import { accepted, encryptedHello, plainHello, type RawPeer, receiveFrame } from "./raw-peer.ts";

/** Plays a client up to the open session, and gives the wire to go on with. */
export async function openWireAsClient(peer: RawPeer, encrypted: boolean, confirmation = 0): Promise<Wire> {
  await peer.receive(2);
  peer.send(accepted);
  const wire = encrypted ? await agreeAsClient(peer) : plainWire;
  await receiveFrame(peer);
  peer.send(Uint8Array.of(confirmation));
  return wire;
}

/** The client's part of the exchange of keys. */
export async function agreeAsClient(peer: RawPeer): Promise<SealedWire> {
  const serverKey = await peer.receive(97);
  peer.send(clientPublicKey);
  return new SealedWire(goTrafficKey(clientPrivateKey, serverKey));
}

/** Plays a server up to its maximum-size frame, which the caller sends. */
export async function agreeAsServer(peer: RawPeer, encrypted: boolean): Promise<Wire> {
  peer.send(encrypted ? encryptedHello : plainHello);
  await peer.receive(1);
  if (!encrypted) return plainWire;
  peer.send(serverPublicKey);
  return sealedWireAsServer(peer);
}

/** Once the server's key was sent: takes the client's. */
export async function sealedWireAsServer(peer: RawPeer): Promise<SealedWire> {
  return new SealedWire(goTrafficKey(serverPrivateKey, await peer.receive(97)));
}

/** Plays a server up to the open session, and gives the wire to go on with. */
export async function openWireAsServer(peer: RawPeer, encrypted: boolean): Promise<Wire> {
  const wire = await agreeAsServer(peer, encrypted);
  peer.send(wire.maximumSize(3_145_728));
  await peer.receive(1);
  return wire;
}
