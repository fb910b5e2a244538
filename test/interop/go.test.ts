import { go } from "../support/go-library.ts";
import { describeLibrary } from "./library.ts";

describeLibrary(go);
