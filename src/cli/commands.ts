import type { Command } from "./command.ts";
import { bench } from "./commands/bench.ts";
import { completionOf, manualCommandOf } from "./commands/completion.ts";
import { connect } from "./commands/connect.ts";
import { contractCheck } from "./commands/contract-check.ts";
import { contractExport } from "./commands/contract-export.ts";
import { contractGenerate } from "./commands/contract-generate.ts";
import { dial } from "./commands/dial.ts";
import { doctor } from "./commands/doctor.ts";
import { handle } from "./commands/handle.ts";
import { inspect } from "./commands/inspect.ts";
import { list } from "./commands/list.ts";
import { listen } from "./commands/listen.ts";
import { ping } from "./commands/ping.ts";
import { replay } from "./commands/replay.ts";
import { request } from "./commands/request.ts";
import { send } from "./commands/send.ts";
import { stream } from "./commands/stream.ts";
import { record, tap } from "./commands/tap.ts";

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  list,
  doctor,
  ping,
  connect,
  send,
  request,
  stream,
  listen,
  handle,
  tap,
  inspect,
  record,
  replay,
  dial,
  contractExport,
  contractCheck,
  contractGenerate,
  bench,
  completionOf(() => commands),
  manualCommandOf(() => commands),
];
