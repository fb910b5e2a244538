// Assembles the module's text in src/crypto into a module that the library can load without a file: `npm run
// build:wasm`.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import loadWabt from "wabt";

const file = (name) => fileURLToPath(new URL(`../src/crypto/${name}`, import.meta.url));

export async function translate() {
  const wabt = await loadWabt();
  const module = wabt.parseWat("ghash.wat", readFileSync(file("ghash.wat"), "utf8"), { simd: true });
  const { buffer } = module.toBinary({});
  return `/** \`ghash.wat\` as a module, in base 64. Made by \`npm run build:wasm\`. */
export const ghashModule =
  "${Buffer.from(buffer).toString("base64")}";
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(file("ghash-module.ts"), await translate());
