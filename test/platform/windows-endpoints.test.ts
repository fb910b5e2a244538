import { testOnWindows } from "./on-windows.ts";
import { windowsNodes } from "./runtimes.ts";

testOnWindows(windowsNodes[0], ["endpoint"]);
