/** A message port: a page's or a worker's `MessagePort`, that of `node:worker_threads`, or Electron's `MessagePortMain`. */
export interface PortLike {
  postMessage(message: unknown): void;
  start?(): void;
  close(): void;
  // biome-ignore lint/suspicious/noExplicitAny: each of the platforms declares other listeners.
  addEventListener?(type: any, listener: any): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  on?(type: any, listener: any): unknown;
}

/** Calls `message` with each message, and `closed` when the other end is gone, if the platform says so. Begins to receive. */
export function listenTo(port: PortLike, message: (data: unknown) => void, closed: () => void): void {
  const received = (event: { data: unknown }): void => message(event.data);
  if (port.addEventListener !== undefined) {
    port.addEventListener("message", received);
    port.addEventListener("close", closed);
  } else {
    port.on?.("message", received);
    port.on?.("close", closed);
  }
  port.start?.();
}
