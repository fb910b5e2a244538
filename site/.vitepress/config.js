// The project's own pages as a site: docs/, spec/ and the READMEs as they stand, and the reference that TypeDoc makes of the
// sources. scripts/site.js builds it.

import { cpSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { defineConfig } from "vitepress";
import { linkOf, pages, project, sidebar, staged } from "./pages.js";

const outDir = join(project, "site/build/dist");
const fileOf = new Map([...pages].map(([file, place]) => [place, file]));
/** Files that pages link to and that are no pages, such as programs of examples. */
const linked = new Set();

export default defineConfig({
  title: "sealpipe",
  description: "Encrypted messages between two processes on one machine, by name",
  lang: "en",
  srcDir: staged,
  outDir,
  cacheDir: join(project, "site/build/cache"),
  cleanUrls: true,
  // None; otherwise browsers ask for one.
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    anchor: { slugify: headingSlug },
    config: (md) => {
      md.core.ruler.push("links", linksOfTheProject);
    },
  },
  themeConfig: {
    sidebar,
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Getting started", link: "/start" },
      { text: "Errors", link: "/errors" },
      { text: "API", link: "/api/" },
    ],
  },
  buildEnd() {
    for (const file of linked) {
      const copy = join(outDir, "files", file);
      mkdirSync(dirname(copy), { recursive: true });
      cpSync(join(project, file), copy);
    }
  },
});

/** As GitHub names headings in links, so that a link works in both. */
function headingSlug(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** Has a link between files of the project lead to the page that the file is here, or to a copy of the file. */
function linksOfTheProject({ tokens, env }) {
  const from = fileOf.get(env.relativePath);
  if (from === undefined) return;
  for (const link of tokens.flatMap(({ children }) => children ?? [])) {
    const href = link.type === "link_open" ? link.attrGet("href") : null;
    if (href === null || /^([a-z]+:|#|\/)/.test(href)) continue;
    const [path, heading] = href.split("#");
    const file = posix.join(posix.dirname(from), decodeURI(path));
    const place = pages.get(file);
    if (place !== undefined)
      link.attrSet("href", linkOf(place) + (heading === undefined ? "" : `#${heading}`));
    else if (existsSync(join(project, file)) && statSync(join(project, file)).isFile()) {
      linked.add(file);
      link.attrSet("href", `/files/${file}`);
      link.attrSet("target", "_self");
    }
  }
}
