/** The name under which a port is asked for and handed over. */
export function channelName(name: string): string {
  return `sealpipe-port:${name}`;
}

/** Electron's `ipcRenderer`, as far as it is used. */
export interface IpcRendererLike {
  send(channel: string): void;
  // biome-ignore lint/suspicious/noExplicitAny: Electron declares the event that its listeners get.
  on(channel: string, listener: (event: any) => void): unknown;
}

/** A page's `window`, as far as it is used. */
export interface WindowLike {
  postMessage(message: unknown, targetOrigin: string, transfer: readonly never[]): void;
}

/**
 * In a preload script: asks the main process for a port, and hands it over to this page alone, and not to whatever the window may show next:
 * its message is for the page's own origin, never for `"*"`.
 */
export function handOverPorts(ipcRenderer: IpcRendererLike, page: WindowLike, name = "sealpipe"): void {
  ipcRenderer.on(channelName(name), ({ ports }: { ports: readonly never[] }) => {
    // "/" is the origin of the script's own page, also where that has no other name.
    page.postMessage({ sealpipePort: name }, "/", ports);
  });
  ipcRenderer.send(channelName(name));
}
