import { thorough } from "../support/thorough.ts";
import { testOnWindows } from "./on-windows.ts";
import { windowsNodes } from "./runtimes.ts";

const [node20, node22] = windowsNodes;
testOnWindows(node20, ["sidecar"]);
// How processes and pipes end is libuv's affair, which differs between the two.
if (thorough) testOnWindows(node22, ["sidecar"]);
