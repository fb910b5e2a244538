// Runs a test file, and the library with it, in a realm of its own, as Jest runs each test file: the language's own classes
// (Error, Array, Promise, ...) are others there than those of Node's modules, and Node's globals are handed in.
// Needs --experimental-vm-modules.

import looseAssert from "node:assert";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const context = vm.createContext(Object.defineProperties({}, nodeGlobals()), { name: "another realm" });
/** The realm's own, as its code sees it. */
const realm = vm.runInContext("globalThis.global = globalThis", context) as typeof globalThis;
for (const name of ["dispose", "asyncDispose"] as const) {
  // On Node 20 Node itself puts them into its own realm, and Jest into those it makes.
  if (realm.Symbol[name] === undefined) Object.defineProperty(realm.Symbol, name, { value: Symbol[name] });
}
const modules = new Map<string, Promise<vm.Module>>();

/** Loads and runs the module of that URL there. */
export async function runInRealm(url: string): Promise<void> {
  const module = await load(url);
  await module.link((specifier, referencing) => load(resolve(specifier, referencing.identifier)));
  await module.evaluate();
}

/** What Node adds to the language; Jest's environment for Node hands in the same. */
function nodeGlobals(): PropertyDescriptorMap {
  const language = new Set(vm.runInNewContext("Object.getOwnPropertyNames(globalThis)") as string[]);
  const all = Object.entries(Object.getOwnPropertyDescriptors(globalThis));
  return Object.fromEntries(all.filter(([name]) => !language.has(name) && name !== "global"));
}

function resolve(specifier: string, from: string): string {
  if (isBuiltin(specifier)) return specifier;
  if (specifier.startsWith(".")) return new URL(specifier, from).href;
  return import.meta.resolve(specifier);
}

function load(url: string): Promise<vm.Module> {
  const known = modules.get(url);
  if (known !== undefined) return known;
  const loading = isBuiltin(url) ? builtin(url) : fromFile(url);
  modules.set(url, loading);
  return loading;
}

async function builtin(name: string): Promise<vm.Module> {
  const { ...exports } = (await import(name)) as Record<string, unknown>;
  if (name === "node:assert/strict") exports["default"] = knowing(assert);
  return new vm.SyntheticModule(
    Object.keys(exports),
    function () {
      for (const [key, value] of Object.entries(exports)) this.setExport(key, value);
    },
    { identifier: name, context },
  );
}

/**
 * The same assertions for errors of the other realm, which they would take for descriptions of one, and for arrays of both
 * realms, which they would tell apart by their prototypes.
 */
function knowing(assertions: typeof assert): typeof assert {
  const { rejects, throws } = assertions;
  const expecting = (expected: unknown): unknown =>
    expected instanceof realm.Error ? (error: unknown) => error === expected : expected;
  return Object.assign((...args: Parameters<typeof assert>) => assertions(...args), assertions, {
    rejects: (block: Promise<unknown>, expected: never) => rejects(block, expecting(expected) as never),
    throws: (block: () => unknown, expected: never) => throws(block, expecting(expected) as never),
    deepEqual: looseAssert.deepEqual,
  });
}

async function fromFile(url: string): Promise<vm.Module> {
  const source = await readFile(fileURLToPath(url), "utf8");
  return new vm.SourceTextModule(url.endsWith(".json") ? `export default ${source}` : source, {
    context,
    identifier: url,
    initializeImportMeta: (meta) => Object.assign(meta, { url, resolve: (to: string) => resolve(to, url) }),
    importModuleDynamically: async (specifier) => evaluated(await load(resolve(specifier, url))),
  });
}

const evaluations = new Map<vm.Module, Promise<vm.Module>>();

/** Once for all who import it, some of whom may do so at the same time. */
function evaluated(module: vm.Module): Promise<vm.Module> {
  const evaluation = evaluations.get(module) ?? evaluate(module);
  evaluations.set(module, evaluation);
  return evaluation;
}

async function evaluate(module: vm.Module): Promise<vm.Module> {
  if (module.status === "unlinked") {
    await module.link((to, referencing) => load(resolve(to, referencing.identifier)));
  }
  await module.evaluate();
  return module;
}
