import { fileURLToPath } from "node:url";
import { LinesProcess } from "./lines-process.ts";
import { lacks } from "./toolchains.ts";

/** A socket that is handed over. */
export interface HandedOver {
  /** Where it is bound; for TCP any port. */
  readonly path: string;
  readonly mode?: number;
  readonly kind?: "unix" | "unbound" | "tcp" | "file";
}

export interface Activation {
  readonly sockets: readonly HandedOver[];
  /** `LISTEN_PID`, if not the program's own process, and `LISTEN_FDS`, if not the number of the sockets; `""`: none. */
  readonly pid?: string;
  readonly count?: string;
  /** How often a program is started, each when a client comes; not given: one at once. */
  readonly rounds?: number;
}

/** What systemd does, in a language whose sockets are not accepted from unless it says so. */
const activator = `
import json, os, select, socket, sys
how = json.loads(sys.argv[1])
for index, given in enumerate(how["sockets"]):
    kind = given.get("kind", "unix")
    if kind == "file":
        made = open(given["path"], "w+")
    else:
        made = socket.socket(socket.AF_INET if kind == "tcp" else socket.AF_UNIX)
        if kind != "unbound":
            made.bind(("127.0.0.1", 0) if kind == "tcp" else given["path"])
            made.listen()
        if kind == "unix":
            os.chmod(given["path"], given.get("mode", 0o600))
    os.dup2(made.fileno(), 100 + index)
    made.close()
for index in range(len(how["sockets"])):
    os.dup2(100 + index, 3 + index, inheritable=True)
    os.set_inheritable(100 + index, False)
def run():
    os.environ["LISTEN_PID"] = how.get("pid", str(os.getpid()))
    os.environ["LISTEN_FDS"] = how.get("count", str(len(how["sockets"])))
    os.execvp(sys.argv[2], sys.argv[2:])
if "rounds" not in how:
    run()
print(json.dumps({"event": "waiting"}), flush=True)
for _ in range(how["rounds"]):
    select.select([3], [], [])
    child = os.fork()
    if child == 0:
        run()
    os.waitpid(child, 0)
`;

const program = fileURLToPath(new URL("./children/activated.js", import.meta.url));

export const lacksPython = lacks("python3", "--version");

/** The command of a program that serves each of the names; its options are those of `startServer`, and `idleTimeoutMs` makes it a daemon. */
export function activatedCommand(names: readonly string[], options: object): [string, ...string[]] {
  return [process.execPath, program, JSON.stringify(options), ...names];
}

/** A process to which such sockets were handed over. */
export function activate(activation: Activation, command: readonly string[]): LinesProcess {
  return new LinesProcess("python3", ["-c", activator, JSON.stringify(activation), ...command]);
}
