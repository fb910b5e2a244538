/**
 * The status of an endpoint: golang-ipc's ten as lower-case words.
 *
 * | status | server | connection of a server | client |
 * | --- | --- | --- | --- |
 * | `not-connected` | not listening yet | | not connected yet |
 * | `listening` | clients can connect | | |
 * | `connecting` | | | waits for the server, or in the handshake |
 * | `connected` | | open | open |
 * | `reconnecting` | | a native client was lost, and may come back | was connected, and tries again |
 * | `closing` | close was called | close was called | close was called |
 * | `closed` | closed, or destroyed without an error | the same | the same |
 * | `disconnected` | | the client has left | the server has left, and `retry` is off |
 * | `timeout` | | | gave up after `connectTimeoutMs` |
 * | `error` | destroyed with an error | failed, or the same | failed, or the same |
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
