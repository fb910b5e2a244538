import type { RecordReader, RecordWriter } from "./wire/record.ts";

/** What a handshake that ends in the native profile has led to: all that the hellos, and then the session, need. */
export interface NativeAgreement {
  readonly encrypted: boolean;
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
  /** T; empty where plain. */
  readonly transcript: Uint8Array;
  /** Absent where plain. */
  readonly resumptionKey: Uint8Array | undefined;
}
