import { aboutPipes, testOnWindows } from "./on-windows.ts";
import { windowsNodes } from "./runtimes.ts";

const [node20, node22] = windowsNodes;
testOnWindows(node20, ["conformance", "transport"]);
testOnWindows(node20, ["interop"]);
testOnWindows(node22, ["conformance"]);
testOnWindows(node22, ["transport", "endpoint"], { fits: aboutPipes });
testOnWindows(node22, ["interop"], { fits: aboutPipes });
