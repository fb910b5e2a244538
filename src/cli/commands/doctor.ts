import { dirname, resolve } from "node:path";
import { inspectAddress, SealpipeError } from "../../index.ts";
import { type Context, command } from "../command.ts";
import { addressValues, clientOptions, trustValue, withClient } from "../connecting.ts";
import {
  addressFindings,
  clockFinding,
  deadFindings,
  type Finding,
  leftoverFinding,
  runtimeFinding,
  secretFinding,
} from "../diagnosis.ts";
import { exitCodes } from "../exit-codes.ts";
import { shownMs } from "../quantities.ts";

const options = {
  ...clientOptions,
  connect: { type: "boolean", help: "connect also to what may be golang-ipc" },
} as const;

export const doctor = command({
  name: "doctor",
  summary: "Find out what is wrong with an address, or with this machine, and what to do",
  arguments: [{ name: "NAME", optional: true }],
  details: [
    "Looks at the runtime, the directory, its owner and rights, the socket, the process that listens, what killed servers have" +
      " left, the file with the secret, and the clock of the file system. If a sealpipe server listens, it also connects, as" +
      " `ping` does; to any other server only with --connect, since golang-ipc serves one client at a time.",
    "Give it the options that your program has. The exit code is 1 if there is a problem; a warning is none.",
  ],
  options,
  examples: [
    { command: "sealpipe doctor my-app", what: "why does it not connect?" },
    {
      command: "sealpipe doctor my-app --directory runtime --secret-file ~/.my-app/secret",
      what: "with options",
    },
    { command: "sealpipe doctor", what: "this machine" },
  ],
  async run(context) {
    const { values, positionals, output } = context;
    const [name] = positionals;
    const findings = [
      runtimeFinding(),
      ...(name === undefined ? await general() : await particular(name, context)),
    ];
    if (values["secret-file"] !== undefined) findings.push(secretFinding(resolve(values["secret-file"])));
    for (const finding of findings) {
      const { check, state, what, remedy } = finding;
      await output.record(
        { ...finding },
        `${marks[state]} ${check}: ${what}${remedy ? `\n    → ${remedy}` : ""}`,
      );
    }
    const problems = findings.filter(({ state }) => state === "problem").length;
    const warnings = findings.filter(({ state }) => state === "warning").length;
    await output.record(
      { event: "summary", problems, warnings },
      `${counted(problems, "problem")}, ${counted(warnings, "warning")}`,
    );
    return problems === 0 ? exitCodes.done : exitCodes.failed;
  },
});

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

const marks = { ok: "✓", warning: "!", problem: "✗" } as const;

async function general(): Promise<Finding[]> {
  return [...placeFindings("/tmp"), ...(await deadFindings())];
}

/** Platform: Windows has no such directory. */
function placeFindings(directory: string): Finding[] {
  if (process.platform === "win32") return [];
  return [clockFinding(directory), leftoverFinding(directory)];
}

async function particular(name: string, context: Context<typeof options>): Promise<Finding[]> {
  const where = { ...addressValues(context.values), trust: trustValue(context.values.trust) };
  const findings = await addressFindings(name, where);
  const state = await inspectAddress(name, where).catch(() => undefined);
  if (state === undefined) return findings;
  findings.push(...placeFindings(dirname(state.address)));
  const isThere = state.state === "listening" || state.state === "unknown";
  const mayConnect = context.values.connect || state.isSealpipe === true || process.platform === "win32";
  if (isThere && mayConnect) findings.push(await connectFinding(name, context));
  else if (isThere) {
    const remedy = "with --connect, doctor connects to it all the same";
    findings.push({
      check: "connection",
      state: "warning",
      what: "not tried: it may be golang-ipc's",
      remedy,
    });
  }
  return findings;
}

async function connectFinding(name: string, { values, signal }: Context<typeof options>): Promise<Finding> {
  const check = "connection";
  const began = performance.now();
  try {
    return await withClient(name, { values, signal }, async ({ profile, encrypted, peer }) => {
      const who = peer === undefined ? "golang-ipc" : `${peer.application || "a program"}, ${peer.library}`;
      const time = shownMs(performance.now() - began);
      return {
        check,
        state: "ok",
        what: `${who}; ${profile}, ${encrypted ? "encrypted" : "plain"}; in ${time}`,
      };
    });
  } catch (error) {
    if (!(error instanceof SealpipeError)) throw error;
    const { code, message } = error;
    const remedy = remedies[code] ?? "see docs/errors.md for the code";
    return { check, state: "problem", what: `${message} (${code})`, remedy };
  }
}

const remedies: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  ERR_AUTHENTICATION_FAILED: "give both ends the same secret: --secret-file here",
  ERR_ENCRYPTION_REQUIRED: "the server does not encrypt: use --plain, or let it encrypt",
  ERR_HANDSHAKE_TIMEOUT: "if it is golang-ipc, it serves another client now; otherwise its process hangs",
  ERR_PEER_NOT_NATIVE: "it is golang-ipc: leave --profile and --secret-file out",
});
