import { type ChildProcess, fork } from "node:child_process";

/** The client as a child of this process. Its commands come and its answers go by the descriptors 3 and 4 of ours. */
export function forkedClient(): ChildProcess {
  const role = new URL("role.ts", import.meta.url);
  return fork(role, process.argv.slice(2), {
    serialization: "advanced",
    stdio: [3, 4, "inherit", "ipc"],
  });
}
