import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const source = join(root, "src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

/** For each part of the source, the parts that it may import besides itself. */
const allowed: Record<string, readonly string[]> = {
  "errors.ts": [],
  protocol: ["errors.ts"],
  crypto: ["protocol"],
  transport: ["errors.ts"],
  endpoint: ["errors.ts", "protocol", "crypto", "transport"],
  "index.ts": ["endpoint", "errors.ts"],
  contract: ["index.ts"],
  "msgpack.ts": ["contract"],
  "cbor.ts": ["contract"],
  questions: ["index.ts"],
  sidecar: ["index.ts"],
  opentelemetry: ["index.ts"],
  inspector: ["index.ts", "contract"],
  nats: ["index.ts", "contract"],
  generate: ["index.ts", "contract"],
  cli: ["index.ts", "contract", "generate", "inspector"],
  port: ["contract"],
  electron: ["contract", "port"],
};

/** What a subpath export stands on. A program that does not import it does not need that. */
const optionalPeers: Record<string, readonly string[]> = {
  "msgpack.ts": ["@msgpack/msgpack"],
  "cbor.ts": ["cborg"],
  opentelemetry: ["@opentelemetry/api"],
  nats: ["@nats-io/jetstream", "@nats-io/transport-node"],
};

/** The file's code, without its comments: their examples import too. */
function read(file: string): string {
  return readFileSync(join(source, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, path]) => path as string);
}

function partOf(file: string): string {
  return file.split("/")[0] as string;
}

describe("who may import whom", () => {
  test("the source has files in every part", () => {
    const parts = new Set(files.map(partOf));
    assert.deepEqual([...parts].sort(), Object.keys(allowed).sort());
  });

  for (const file of files) {
    test(`${file} imports only what its part may`, () => {
      for (const path of importsOf(file)) {
        if (path.startsWith("node:")) continue;
        if (optionalPeers[partOf(file)]?.includes(path)) continue;
        assert.match(path, /^\.\.?\//, "no dependency at run time");
        const target = partOf(normalize(join(dirname(file), path)));
        if (target === partOf(file)) continue;
        assert.ok(allowed[partOf(file)]?.includes(target), `${file} imports ${path}`);
      }
    });
  }
});

/** The files, or folders, that `from` imports, types included. */
function targetsOf(from: string, unit: (file: string) => string): string[] {
  return files
    .filter((file) => unit(file) === from)
    .flatMap((file) =>
      importsOf(file)
        .filter((path) => path.startsWith("."))
        .map((path) => unit(normalize(join(dirname(file), path)))),
    )
    .filter((target) => target !== from);
}

/** A way from `start` back to it, if there is one. */
function circleFrom(start: string, unit: (file: string) => string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    for (const target of targetsOf(way.at(-1) as string, unit)) {
      if (target === start) return [...way, start];
      if (seen.has(target)) continue;
      seen.add(target);
      ways.push([...way, target]);
    }
  }
  return undefined;
}

/** Its folder, if that is a part of a part; what lies in a part itself stands for itself. */
function folderOf(file: string): string {
  return file.split("/").length > 2 ? dirname(file) : file;
}

describe("nothing imports itself by way of others, not even for a type", () => {
  for (const file of files) {
    test(file, () =>
      assert.equal(
        circleFrom(file, (name) => name),
        undefined,
      ),
    );
  }

  for (const folder of new Set(files.map(folderOf))) {
    test(`${folder}, as a whole`, () => assert.equal(circleFrom(folder, folderOf), undefined));
  }
});

describe("the protocol does no I/O", () => {
  const forbidden = [
    /"node:/,
    /\bset(Timeout|Interval|Immediate)\b/,
    /\bqueueMicrotask\b/,
    /\bprocess\./,
    /\bDate\b/,
    /\bperformance\b/,
    /\bMath\.random\b/,
    /\bBuffer\b/,
    /\bText(De|En)coder\b/,
    /\basync\b|\bawait\b|\bPromise\b/,
  ];
  for (const file of files.filter((name) => partOf(name) === "protocol")) {
    test(`${file} names no module of Node, timer, clock or randomness`, () => {
      for (const pattern of forbidden) assert.doesNotMatch(read(file), pattern);
    });
  }
});

describe("each file", () => {
  // The command line's first file is a program, which runs when it is loaded.
  for (const file of files.filter((name) => name !== "cli/main.ts")) {
    test(`${file} loads by itself`, async () => {
      await import(new URL(`../../../dist/${file.replace(/\.ts$/, ".js")}`, import.meta.url).href);
    });
  }
});

describe("the folders", () => {
  test("only src/crypto uses node:crypto, besides hashes and names, a page's token and events by subject", () => {
    const users = files.filter((file) => importsOf(file).includes("node:crypto"));
    // A contract's hash, a sidecar's name and a page's token are no secrets of the protocol's, events that pass beside the
    // connections have keys of their own, and `crypto` is not of the public surface.
    assert.deepEqual(users.filter((file) => partOf(file) !== "crypto").sort(), [
      "contract/description.ts",
      "inspector/token.ts",
      "nats/events/sealing.ts",
      "nats/events/stream-name.ts",
      "sidecar/spawn-sidecar.ts",
    ]);
  });

  test("no file is a drawer for everything", () => {
    for (const file of files) assert.doesNotMatch(file, /(^|\/)(utils?|common|helpers?|types)\.ts$/);
  });

  test("the package has no dependency at run time", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.equal(manifest.dependencies, undefined);
    assert.equal(manifest.optionalDependencies, undefined);
  });

  test("what subpath exports stand on is optional", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const peers = Object.values(optionalPeers).flat().sort();
    assert.deepEqual(Object.keys(manifest.peerDependencies).sort(), peers);
    for (const peer of peers) assert.equal(manifest.peerDependenciesMeta[peer].optional, true);
  });
});
