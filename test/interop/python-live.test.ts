import { pythonLibrary } from "../support/python-starter.ts";
import { describeLive } from "./library-live.ts";

describeLive(pythonLibrary);
