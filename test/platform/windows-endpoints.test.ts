import { thorough } from "../support/thorough.ts";
import { aboutPipes, testOnWindows } from "./on-windows.ts";
import { windowsNodes } from "./runtimes.ts";

testOnWindows(windowsNodes[0], ["endpoint"], thorough ? {} : { fits: aboutPipes });
