import { pythonLibrary } from "../support/python-starter.ts";
import { describeStreams } from "./library-streams.ts";

describeStreams(pythonLibrary);
