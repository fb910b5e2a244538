import type { Bound, Contract, Members } from "../contract/index.ts";
import { parseBridgeOptions } from "../port/bridge-options.ts";
import { type Bridge, type BridgeOptions, bridgePort, type PortLike } from "../port/index.ts";
import { checkOptions, invalidOption } from "../port/port-options.ts";
import { channelName } from "./hand-over-ports.ts";

/** A frame of a window, as Electron's `WebFrameMain` is one. */
export interface FrameLike {
  readonly url: string;
  // biome-ignore lint/suspicious/noExplicitAny: Electron's ports, which this library does not import.
  postMessage(channel: string, message: unknown, transfer?: any[]): void;
}

/** What `ipcMain` tells of a message. */
export interface IpcEventLike {
  /** `null` if the frame has gone or navigated by now. */
  readonly senderFrame: FrameLike | null;
  readonly sender: { once(event: "destroyed", listener: () => void): unknown };
}

/** Electron's own, which the program hands in: this library does not import `electron`. */
export interface ElectronMain {
  readonly ipcMain: {
    // biome-ignore lint/suspicious/noExplicitAny: Electron declares the event that its listeners get.
    on(channel: string, listener: (event: any, ...args: any[]) => void): unknown;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    off(channel: string, listener: (event: any, ...args: any[]) => void): unknown;
  };
  readonly MessageChannelMain: new () => { readonly port1: PortLike; readonly port2: unknown };
}

export interface ServePortsOptions<Name extends string = string> extends BridgeOptions<Name> {
  /**
   * Whether a frame may have a port. Look at its `url`: a window may have navigated to a page of somebody else's, or show one in a frame.
   */
  readonly trust: (frame: FrameLike) => boolean;
  /** A name of the port, if a page has several. Default `"sealpipe"`. */
  readonly name?: string | undefined;
  /** A frame was refused a port, or a page has broken the rules of its port. Default: nothing is said. */
  readonly onRefused?: ((error: Error) => void) | undefined;
}

/**
 * In Electron's main process: gives each frame that asks, by `handOverPorts` in its preload script, and that is trusted, a port
 * to a contract.
 *
 * @throws PortError `ERR_INVALID_OPTION`
 * @returns A function that gives out no further ports, and closes those that there are.
 */
export function servePorts<M extends Members>(
  { ipcMain, MessageChannelMain }: ElectronMain,
  bound: Bound<M>,
  contract: Contract<M>,
  options: ServePortsOptions<keyof M & string>,
): () => void {
  const own = checkOptions(options, ["allow", "maxConcurrent", "trust", "name", "onRefused"]);
  const { trust, name = "sealpipe", onRefused = () => {}, allow, maxConcurrent } = own;
  if (typeof trust !== "function") throw invalidOption("trust must be a function");
  if (typeof onRefused !== "function") throw invalidOption("onRefused must be a function");
  if (typeof name !== "string") throw invalidOption("name must be a string");
  // Now, and not once the first window asks.
  parseBridgeOptions(contract as Contract, { allow, maxConcurrent });
  const bridges = new Set<Bridge>();
  const asked = ({ senderFrame, sender }: IpcEventLike): void => {
    if (senderFrame === null || trust(senderFrame) !== true) {
      onRefused(new Error(`a frame was refused a port: ${senderFrame?.url ?? "it has gone"}`));
      return;
    }
    const { port1, port2 } = new MessageChannelMain();
    const bridge = bridgePort(port1, bound, contract, { allow, maxConcurrent });
    bridges.add(bridge);
    bridge.signal.addEventListener("abort", () => {
      bridges.delete(bridge);
      if (bridge.error !== undefined) onRefused(bridge.error);
    });
    sender.once("destroyed", () => bridge.close());
    senderFrame.postMessage(channelName(name), undefined, [port2]);
  };
  ipcMain.on(channelName(name), asked);
  return () => {
    ipcMain.off(channelName(name), asked);
    for (const bridge of bridges) bridge.close();
  };
}
