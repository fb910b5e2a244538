import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Example {
  /** Where it stands: the page and its number there. */
  readonly title: string;
  readonly code: string;
}

const pages = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...readdirSync(join(root, "docs")).map((file) => join("docs", file)),
  ...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((file) => join("src", file)),
].filter((file) => /\.(md|ts)$/.test(file));

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), "utf8");
  // In a docstring each line begins with a star.
  const plain = page.endsWith(".ts") ? text.replace(/^ *\* ?/gm, "") : text;
  return [...plain.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], index) => ({
    title: `${page} ${index + 1}`,
    code: code as string,
  }));
}

/** All that the documentation and the docstrings have. */
export const examples: readonly Example[] = pages.flatMap(examplesOf);

/** The first server of docs/messages.md and its client are two programs that need each other. */
export const [serverExample, clientExample] = examplesOf("docs/messages.md") as [Example, Example];

/** Programs made of examples, each with a name of its own, so that nothing else on the machine answers it. */
export class ExamplePrograms {
  readonly #directory: string;

  /** `work`: a directory of the test file's own, below the build's. */
  constructor(work: string, nameOf: (example: Example) => string, all: readonly Example[]) {
    const directory = join(root, "build", work);
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const example of all) {
      writeFileSync(
        join(directory, `${fileOf(example)}.ts`),
        example.code.replaceAll("my-app", nameOf(example)),
      );
    }
    const config = {
      extends: relative(directory, join(root, "tsconfig.base.json")),
      compilerOptions: {
        rootDir: ".",
        outDir: "out",
        noUnusedLocals: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: ["*.ts"],
    };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
    execFileSync("npx", ["tsc", "-p", directory], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  }

  /** What Node runs. */
  pathOf(example: Example): string {
    return join(this.#directory, "out", `${fileOf(example)}.js`);
  }
}

function fileOf({ title }: Example): string {
  return title.replace(/[^A-Za-z0-9]+/g, "-");
}
