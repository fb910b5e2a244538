import type { RecordReader, RecordWriter } from "./wire/record.ts";

/**
 * The result of a handshake that ends in the native profile: everything that the hellos, and then the session, need.
 */
export interface NativeAgreement {
  readonly encrypted: boolean;
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
  /** T; empty if the connection is plain. */
  readonly transcript: Uint8Array;
  /** Absent if the connection is plain. */
  readonly resumptionKey: Uint8Array | undefined;
}
