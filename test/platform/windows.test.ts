import { thorough } from "../support/thorough.ts";
import { aboutPipes, testOnWindows } from "./on-windows.ts";
import { windowsNodes } from "./runtimes.ts";

const [node20, node22] = windowsNodes;
testOnWindows(node20, ["conformance", "transport"]);
testOnWindows(node20, ["interop"]);
// Pipes are libuv's affair, which differs between the two; nothing else there depends on the version.
testOnWindows(node22, ["transport"], { fits: aboutPipes });
if (thorough) {
  testOnWindows(node22, ["conformance"]);
  testOnWindows(node22, ["endpoint"], { fits: aboutPipes });
  testOnWindows(node22, ["interop"], { fits: aboutPipes });
}
