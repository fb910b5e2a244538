import { readUint32, writeUint32 } from "../../integers.ts";
import { joinParts } from "../../parts.ts";
import { isFailureCode } from "./failure.ts";
import { invalidFrame, readUint64, writeUint64 } from "./frame.ts";
import { encodeText, type Fields } from "./hello-fields.ts";
import { maxWindow, minWindow } from "./lanes.ts";

// The last part of a hello, which ends that predate features do not send. Source: spec/protocol.md, "Features".

/** Each feature's bit. An end sets it if it can read what the feature adds. */
export const featureBits = {
  streams: 0x0000_0001,
  context: 0x0000_0002,
  "failure-data": 0x0000_0004,
  admin: 0x0000_0008,
} as const;

export type Feature = keyof typeof featureBits;

/** Whether the bit of a feature is set. */
export function hasFeature(features: number | undefined, feature: Feature): boolean {
  return ((features ?? 0) & featureBits[feature]) !== 0;
}

export const contractHashBytes = 32;
/** Max number of contracts in one hello. */
export const maxContracts = 16;

/** Identifies a contract, so that two ends can see whether they mean the same one. */
export interface ContractIdentity {
  readonly name: string;
  readonly version: string;
  readonly hash: Uint8Array;
}

export interface Offers {
  /** Bits of {@link featureBits}, and others that are unknown to this end. */
  readonly features: number;
  /** The window of the lane of streams, as in {@link Windows}. */
  readonly streamLaneWindow: number;
  /** Max number of streams that the peer may have opened and still open at a time. */
  readonly maxConcurrentStreams: number;
  /** The window of each direction of each stream. */
  readonly streamWindow: number;
  /** In a hello that resumes, how far the lane of streams has arrived; otherwise 0. */
  readonly receivedStreams: number;
  /** The name of the application's encoding; may be empty. */
  readonly codec: string;
  readonly contracts: readonly ContractIdentity[];
  /** Server: the code of why it had ended the session that the client wants to resume. */
  readonly sessionEnded?: string;
}

/** What an end without features offers, and what a hello without this part means. */
export const noOffers: Offers = Object.freeze({
  features: 0,
  streamLaneWindow: minWindow,
  maxConcurrentStreams: 0,
  streamWindow: minWindow,
  receivedStreams: 0,
  codec: "",
  contracts: [],
});

const fixedBytes = 24;

export function encodeOffers(offers: Offers): Uint8Array {
  if (offers.contracts.length > maxContracts) {
    throw new RangeError(`a hello has no room for ${offers.contracts.length} contracts`);
  }
  const fixed = new Uint8Array(fixedBytes);
  writeUint32(fixed, offers.features, 0);
  writeUint32(fixed, offers.streamLaneWindow, 4);
  writeUint32(fixed, offers.maxConcurrentStreams, 8);
  writeUint32(fixed, offers.streamWindow, 12);
  writeUint64(fixed, offers.receivedStreams, 16);
  const contracts = offers.contracts.flatMap(({ name, version, hash }) => [
    encodeText(name),
    encodeText(version),
    hash,
  ]);
  const ended = offers.sessionEnded === undefined ? [] : [encodeText(offers.sessionEnded)];
  const count = Uint8Array.of(offers.contracts.length);
  return joinParts([fixed, encodeText(offers.codec), count, ...contracts, ...ended]);
}

/** Decodes the rest of a hello; anything after it is ignored. @throws PeerError `ERR_FRAME_INVALID` */
export function decodeOffers(fields: Fields, from: "client" | "server"): Offers {
  const fixed = fields.take(fixedBytes);
  const offers = {
    features: readUint32(fixed, 0),
    streamLaneWindow: decodeWindow(fixed, 4),
    maxConcurrentStreams: readUint32(fixed, 8),
    streamWindow: decodeWindow(fixed, 12),
    receivedStreams: readUint64(fixed, 16),
    codec: fields.takeText(),
    contracts: decodeContracts(fields),
  };
  const sessionEnded = from === "client" || fields.isEmpty ? "" : fields.takeText();
  if (sessionEnded === "") return offers;
  if (!isFailureCode(sessionEnded)) throw invalidFrame("a session that ended without a code");
  return { ...offers, sessionEnded };
}

function decodeContracts(fields: Fields): ContractIdentity[] {
  const count = fields.takeByte();
  if (count > maxContracts) throw invalidFrame(`a hello with ${count} contracts`);
  return Array.from({ length: count }, () => ({
    name: fields.takeText(),
    version: fields.takeText(),
    hash: fields.takeCopy(contractHashBytes),
  }));
}

/** @throws PeerError `ERR_FRAME_INVALID` */
export function decodeWindow(source: Uint8Array, offset: number): number {
  const bytes = readUint32(source, offset);
  if (bytes >= minWindow && bytes <= maxWindow) return bytes;
  throw invalidFrame(`a hello with a window of ${bytes} bytes`);
}
