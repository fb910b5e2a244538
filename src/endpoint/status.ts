/**
 * Where an endpoint stands: golang-ipc's ten states as lower-case words.
 *
 * | status | server | connection of a server | client |
 * | --- | --- | --- | --- |
 * | `not-connected` | not listening yet | | not connected yet |
 * | `listening` | clients can connect | | |
 * | `connecting` | | in the handshake | waits for the server, or in the handshake |
 * | `connected` | | open | open |
 * | `reconnecting` | | | was connected, and tries again |
 * | `closing` | close was called | close was called | close was called |
 * | `closed` | closed in order | closed in order | closed in order |
 * | `disconnected` | | the client has left | |
 * | `timeout` | | | gave up after `connectTimeoutMs` |
 * | `error` | failed | failed | failed |
 */
export type Status =
  | "not-connected"
  | "listening"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "closed"
  | "closing"
  | "error"
  | "timeout"
  | "disconnected";
