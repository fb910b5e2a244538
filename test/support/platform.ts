export const onWindows = process.platform === "win32";

/** Set for the tests that run on Wine, see `test/platform/on-windows.ts`. */
export const onWine = process.env["SEALPIPE_TEST_WINE"] !== undefined;

/** What Windows has and Wine has not: there a second server takes the name of a live one. */
export const sharesPipeNames = onWine && "Wine lets two servers have one pipe's name, which Windows does not";

/** On a busy machine, seen with a client in Go. */
export const noticesLate =
  onWine && "on Wine a client whose full pipe is dropped may not notice that for a minute";

/** So a peer that reads nothing cannot say that it sends nothing more. */
export const noHalfClose = onWindows && "a pipe has no half-close";

export const noUnixSockets = onWindows && "Windows has named pipes in place of Unix sockets";

export const noStopping = onWindows && "Windows has no signal that stops a process for a while";

/** So a test cannot see which processes are left, nor what they have open. `sidecar/every-platform` needs none of that. */
export const noProcfs = process.platform !== "linux" && "there is no /proc to see what is left";
