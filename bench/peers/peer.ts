/** What a message is made of: text for the peers that carry JSON, bytes for all others. */
export type Payload = Uint8Array | string;

/** One conversation between the two processes. */
export interface Channel {
  /** Takes a message. A promise where the sender should wait before it sends more. */
  send(payload: Payload): Promise<unknown> | undefined;
  onMessage: (payload: Payload) => void;
  close(): unknown;
  /** Where the peer has requests of its own; the server answers each with what was asked. */
  request?(payload: Payload): Promise<Payload>;
}

export interface Listener {
  /** The same message to every client, where the peer has a call for it. */
  broadcast?(payload: Payload): Promise<unknown> | undefined;
  close(): unknown;
}

/**
 * One way to talk between two processes. Each stands in a file of its own that exports `createPeer(options)`, and is
 * used as someone who knows it well would use it.
 */
export interface Peer {
  readonly form: "bytes" | "text";
  listen(name: string, opened: (channel: Channel) => void): Promise<Listener>;
  connect(name: string): Promise<Channel>;
}

export type CreatePeer = (options: Record<string, unknown>) => Peer | Promise<Peer>;

/** Where the peers that want a path of their own listen. */
export function socketPath(name: string): string {
  return `/tmp/${name}.sock`;
}

export function ignore(): void {}
