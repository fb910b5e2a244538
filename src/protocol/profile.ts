import type { MessageContent } from "./message.ts";
import type { ReceiveBuffer } from "./receive-buffer.ts";
import type { SendBuffer } from "./send-buffer.ts";

/** How messages stand on the wire once the handshake is over. */
export interface Profile {
  readonly name: "classic";
  readonly encrypted: boolean;
  /** Takes the message: nothing of `data` is needed after the call. The caller has checked type and size. */
  encode(type: number, data: Uint8Array, output: SendBuffer): void;
  /**
   * The next message, or `undefined` until all of it is there.
   * @throws PeerError for bytes that are no message.
   */
  decode(input: ReceiveBuffer): MessageContent | undefined;
}
