import { CallerError, PeerError } from "../errors.ts";

/** One application payload with its type (1 to 4294967295). */
export interface MessageContent {
  readonly type: number;
  readonly data: Uint8Array;
}

/** golang-ipc reserves it: readers drop such a message and writers refuse it. Source: spec/protocol.md, "Message". */
export const reservedType = 0;
export const maxType = 0xffff_ffff;

/** @throws CallerError if no message or request can have such a type. */
export function checkType(type: number): void {
  if (type === reservedType) {
    throw new CallerError("ERR_RESERVED_TYPE", "message type 0 is reserved; use 1 to 4294967295");
  }
  if (!Number.isInteger(type) || type < 0 || type > maxType) {
    throw new CallerError(
      "ERR_TYPE_OUT_OF_RANGE",
      `a message type is an integer from 1 to 4294967295, not ${typeof type === "number" ? type : `a ${typeof type}`}`,
    );
  }
}

/** @throws CallerError if no engine of this end could send such a message. */
export function checkMessage(type: number, dataBytes: number, maxMessageBytes: number): void {
  checkType(type);
  if (dataBytes > maxMessageBytes) {
    throw new CallerError(
      "ERR_MESSAGE_TOO_LARGE",
      `a message of ${dataBytes} bytes is over maxMessageBytes (${maxMessageBytes})`,
    );
  }
}

/** @throws PeerError if this end could send such a message, but the peer has declared that it does not accept one. */
export function checkPeerTakes(dataBytes: number, peerMaxMessageBytes: number): void {
  if (dataBytes > peerMaxMessageBytes) {
    throw new PeerError(
      "ERR_TOO_LARGE_FOR_PEER",
      `a message of ${dataBytes} bytes is over the peer's maxMessageBytes (${peerMaxMessageBytes})`,
    );
  }
}
