import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as library from "../build/bundle/index.js";

/** What a package of the library exports. */
export type Library = typeof library;

/**
 * The module to import: of this checkout as it would be packed, or of the package in `directory`. Never what `npm run build`
 * leaves in `dist`: hundreds of modules take more memory than the few files that users install, and V8 collects garbage
 * differently.
 */
export function entryOf(directory?: string): string {
  const file =
    directory === undefined
      ? fileURLToPath(new URL("../build/bundle/index.js", import.meta.url))
      : resolve(directory, "dist/index.js");
  return pathToFileURL(file).href;
}

export async function libraryOf(directory?: string): Promise<Library> {
  return (await import(entryOf(directory))) as Library;
}
