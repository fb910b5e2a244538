// How long `tsc` takes to check a contract of 300 members, with the programs that implement and call each of them:
// `npm run bench -- --types`. It fails if the whole run of `tsc` takes more than 2 seconds of processor time, which other work on the
// machine changes less than the time on the clock.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("build/types/", import.meta.url));
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const maxMs = 2_000;
const numbers = Array.from({ length: 100 }, (_, index) => index);

const imports = `import { connect, contract, event, isError, method, serve, stream } from "../../../build/bundle/contract/index.js";
import { z } from "zod";
`;

function members(): string {
  return numbers
    .map(
      (n) => `  m${n}: method(${3 * n + 1}, {
    input: z.object({ path: z.string(), n${n}: z.number().optional() }),
    output: z.object({ text: z.string(), tags: z.array(z.string()), n${n}: z.number() }),
    errors: { NOT_FOUND: z.object({ path: z.string() }), BUSY: null },
  }),
  s${n}: stream(${3 * n + 2}, { input: z.string(), output: z.object({ n${n}: z.number() }), items: z.string() }),
  e${n}: event(${3 * n + 3}, z.object({ n${n}: z.number() }), { direction: "both" }),
`,
    )
    .join("");
}

const program = `${imports}
export const big = contract("big", {
${members()}});

export const server = await serve("big", big, {
${numbers
  .map(
    (n) => `  m${n}: ({ path, n${n} = 0 }, { fail }) =>
    path === "" ? fail("NOT_FOUND", { path }) : { text: path, tags: [], n${n} },
  async *s${n}(_, { items }) {
    for await (const item of items) yield { n${n}: item.length };
  },
`,
  )
  .join("")}});

export const app = await connect("big", big);
${numbers
  .map(
    (n) => `export const answer${n}: number = (await app.m${n}({ path: "a" })).n${n};
app.on.e${n}(({ n${n} }) => n${n}.toFixed());
app.emit.e${n}({ n${n}: 1 });
for await (const { n${n} } of app.s${n}("a")) n${n}.toFixed();
`,
  )
  .join("")}export function told(error: unknown): string {
  return isError(error, big.m0, "NOT_FOUND") ? error.data.path : "";
}
`;

/** Processor time, in milliseconds. */
function checkMs(name: string, source: string): number {
  writeFileSync(`${directory}${name}.ts`, source);
  writeFileSync(
    `${directory}tsconfig.json`,
    JSON.stringify({
      extends: "../../../tsconfig.base.json",
      compilerOptions: { noEmit: true },
      files: [`${name}.ts`],
    }),
  );
  // Of the compiler's processes and all that they start; the second line of `times` is theirs.
  const command = `"$0" "$1" -p "$2" && times`;
  const { status, stdout } = spawnSync("sh", ["-c", command, process.execPath, tsc, directory], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stdout);
  const spent = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)].slice(2, 4);
  const ms = spent.reduce(
    (sum, [, minutes, seconds]) => sum + (60 * Number(minutes) + Number(seconds)) * 1_000,
    0,
  );
  console.log(`${name.padEnd(10)} ${Math.round(ms)} ms`);
  return ms;
}

mkdirSync(directory, { recursive: true });
const empty = checkMs(
  "imports",
  `${imports}\nvoid [connect, contract, event, isError, method, serve, stream, z];\n`,
);
const whole = checkMs("contract", program);
rmSync(directory, { recursive: true });
const ms = whole - empty;
console.log(`a contract of ${3 * numbers.length} members: ${Math.round(ms)} ms more than its imports`);
if (whole > maxMs) {
  console.error(`✖ tsc took more than ${maxMs} ms`);
  process.exitCode = 1;
}
