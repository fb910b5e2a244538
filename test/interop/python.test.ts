import { pythonLibrary } from "../support/python-starter.ts";
import { describeLibrary } from "./library.ts";

describeLibrary(pythonLibrary);
