import { go } from "../support/go-library.ts";
import { blockingPythonLibrary } from "../support/python-starter.ts";
import { describePair } from "./library-pair.ts";

// Both faces share the wire, so one is enough here; python-go.test.ts has the others.
describePair(blockingPythonLibrary, go, {
  "native, encrypted": { flags: [], profile: "native", encrypted: true, large: false },
});
