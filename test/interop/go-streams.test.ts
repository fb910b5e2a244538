import { go } from "../support/go-library.ts";
import { describeStreams } from "./library-streams.ts";

describeStreams(go);
