/**
 * A contract through a message port, for pages, which have no sockets.
 *
 * @module sealpipe/port
 */

export type { BridgeOptions } from "./bridge-options.ts";
export { type Bridge, bridgePort } from "./bridge-port.ts";
export {
  openPort,
  type PortApp,
  type PortCall,
  type PortCallOptions,
  type PortSend,
  type PortStream,
} from "./open-port.ts";
export { PortError } from "./port-error.ts";
export type { PortLike } from "./port-like.ts";
