/**
 * Programs that start their daemon, and daemons that end when they should.
 *
 * @module sealpipe/sidecar
 */

export type { Exit, OutputLine } from "./child-process.ts";
export { connectOrSpawn } from "./connect-or-spawn.ts";
export { type DaemonOptions, daemon, type EndOfDaemon } from "./daemon.ts";
export type { ConnectOrSpawnOptions } from "./daemon-options.ts";
export type { Expectation } from "./expectation.ts";
export type { SpawnOptions } from "./options.ts";
export type { FoundServer } from "./replace-server.ts";
export { type ServedOrConnected, type ServeOrConnectOptions, serveOrConnect } from "./serve-or-connect.ts";
export { type EndOfLease, type SidecarOptions, sidecar } from "./sidecar.ts";
export { Sidecar, type SidecarEvents, type SidecarStatus, spawnSidecar } from "./spawn-sidecar.ts";
