/**
 * A contract through a message port, for pages, which have no sockets.
 *
 * @module sealpipe/port
 */

export { type Bridge, type BridgeOptions, bridgePort } from "./bridge-port.ts";
export { openPort, type PortApp, type PortCallOptions, type PortStream } from "./open-port.ts";
export { PortError } from "./port-error.ts";
export type { PortLike } from "./port-like.ts";
