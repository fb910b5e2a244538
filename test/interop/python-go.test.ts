import { go } from "../support/go-library.ts";
import { pythonLibrary } from "../support/python-starter.ts";
import { describePair } from "./library-pair.ts";

describePair(pythonLibrary, go);
