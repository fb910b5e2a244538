import { testSidecarOf } from "../support/other-sidecar.ts";
import { noProcfs } from "../support/platform.ts";
import { lacksPython, pythonSidecar } from "../support/python-starter.ts";
import { rounds } from "../support/sidecars.ts";
import { thorough } from "../support/thorough.ts";

for (const face of ["asyncio", "blocking"] as const) {
  testSidecarOf({
    name: `Python (${face})`,
    skip: noProcfs || lacksPython(),
    prepare: () => {},
    command: (pidFile, how) => pythonSidecar(face, pidFile, how),
    whileBlocked: face === "asyncio" ? "while its event loop is blocked" : "while its threads are busy",
    // An interpreter takes long to start.
    rounds: thorough ? rounds : 1,
    // What is to be done at the end does not begin while the event loop is blocked, or waits for its turn among the threads.
    drainsWhileBlocked: false,
  });
}
