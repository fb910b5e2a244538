import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file of the page. */
export interface PageFile {
  readonly contentType: string;
  readonly content: Buffer;
}

/** What a browser gets without a token: the same for everybody, with nothing of this process in it. */
const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
} as const;

/** By their paths. They lie beside this module. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const read = ([path, [file, contentType]]: [string, readonly [string, string]]): [string, PageFile] => {
    const content = readFileSync(fileURLToPath(new URL(`page/${file}`, import.meta.url)));
    return [path, { contentType, content }];
  };
  return new Map(Object.entries(files).map(read));
}
