import { buildGoEnd } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { testSidecarOf } from "../support/other-sidecar.ts";
import { noProcfs } from "../support/platform.ts";
import { rounds } from "../support/sidecars.ts";

testSidecarOf({
  name: "Go",
  skip: noProcfs || lacksGo(),
  prepare: () => void buildGoEnd(),
  command: (pidFile, how) => [buildGoEnd(), "sidecar", pidFile, how],
  whileBlocked: "while all its processors are busy",
  rounds,
  drainsWhileBlocked: true,
});
