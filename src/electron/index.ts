/**
 * A contract for Electron's windows.
 *
 * @module sealpipe/electron
 */

export { handOverPorts, type IpcRendererLike, type WindowLike } from "./hand-over-ports.ts";
export {
  type ElectronMain,
  type FrameLike,
  type IpcEventLike,
  type ServePortsOptions,
  servePorts,
} from "./serve-ports.ts";
