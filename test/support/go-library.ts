import { buildGoEnd, GoEnd } from "./go-end.ts";
import { lacksGo } from "./go-peer.ts";
import { LinesProcess } from "./lines-process.ts";
import type { OtherLibrary } from "./other-end.ts";
import { times } from "./thorough.ts";

/** The library for Go, as other languages are. */
export const go: OtherLibrary = {
  name: "Go",
  skip: lacksGo(),
  program: "go-end",
  handshakes: times(2_000),
  races: times(20),
  prepare: () => {
    buildGoEnd();
  },
  start: (role, name, ...flags) => new GoEnd(role, name, ...flags),
  shakeHands: (name, rounds) => new LinesProcess(buildGoEnd(), ["handshakes", name, String(rounds)]),
};
