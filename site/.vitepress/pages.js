// Which files of the project are pages, where they stand in the site, and in what order a reader meets them.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const project = fileURLToPath(new URL("../../", import.meta.url));
/** Where the pages are put together: they as they are, and the reference that TypeDoc makes. */
export const staged = `${project}site/build/pages/`;

/** The pages by their files, in the order of the sidebar. */
const groups = {
  "": { "README.md": "Overview", "docs/start.md": "Getting started" },
  Guides: {
    "docs/sidecars.md": "Sidecars and daemons",
    "docs/electron.md": "Electron and other pages",
    "docs/vscode.md": "VS Code",
    "docs/gui.md": "Tauri and other GUIs",
    "docs/cli-program.md": "A command-line program",
    "docs/recipes.md": "Recipes",
    "docs/go.md": "A daemon in Go",
    "docs/python.md": "Python",
    "docs/systemd.md": "systemd",
    "docs/beyond-one-machine.md": "ssh, containers, WSL, NATS",
    "docs/golang-ipc.md": "With golang-ipc",
    "docs/moving.md": "Moving from other libraries",
    "docs/packaging.md": "Bundles and single files",
  },
  Topics: {
    "docs/contracts.md": "Contracts",
    "docs/messages.md": "Messages",
    "docs/requests.md": "Requests",
    "docs/streams.md": "Streams",
    "docs/connecting.md": "Connecting",
    "docs/native.md": "Between two sealpipe ends",
    "docs/options.md": "Options",
    "docs/errors.md": "Errors",
    "docs/cli.md": "Command line",
    "docs/inspector.md": "Inspector",
    "docs/diagnostics.md": "Diagnostics",
    "docs/opentelemetry.md": "OpenTelemetry",
    "docs/stats.md": "Stats",
  },
  Reference: {
    "docs/security.md": "Security",
    "docs/cryptography.md": "Cryptography",
    "docs/performance.md": "Performance",
    "docs/platforms.md": "Platforms",
    "docs/other-languages.md": "A client in your language",
    "spec/protocol.md": "The wire",
    "spec/contracts.md": "Contracts on the wire",
    "spec/events.md": "Events by subject",
  },
  Project: {
    "go/README.md": "The library for Go",
    "python/README.md": "The library for Python",
    "CONTRIBUTING.md": "Contributing",
    "SECURITY.md": "Reporting a weakness",
    "CHANGELOG.md": "Changelog",
    "bench/README.md": "How speed is measured",
    "interop/go/README.md": "The peers on golang-ipc",
  },
};

/** Those that stand elsewhere than their path, or the page's name, says. `go/` beside `go.html` would be two things. */
const moved = {
  "README.md": "index.md",
  "go/README.md": "go-library.md",
  "python/README.md": "python-library.md",
  "bench/README.md": "bench.md",
  "interop/go/README.md": "interop-go.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "reporting.md",
  "CHANGELOG.md": "changelog.md",
};

/** Each page's file, and where it stands in the site. */
export const pages = new Map(
  Object.values(groups)
    .flatMap((group) => Object.keys(group))
    .map((file) => [file, moved[file] ?? file.replace(/^docs\//, "")]),
);

for (const page of readdirSync(`${project}docs`).filter((file) => file.endsWith(".md")))
  if (!pages.has(`docs/${page}`)) throw new Error(`docs/${page} is in no group of the site's pages.js`);

/** What a link to a page is. */
export function linkOf(place) {
  return `/${place.replace(/(^|\/)index\.md$/, "$1").replace(/\.md$/, "")}`;
}

/** The package's entries. */
function reference() {
  if (!existsSync(`${staged}api`)) return [];
  return readdirSync(`${staged}api`, { recursive: true })
    .filter((file) => file.endsWith(".md") && file !== "index.md")
    .sort()
    .map((file) => ({ text: file.replace(".md", ""), link: linkOf(`api/${file}`) }));
}

export const sidebar = [
  ...Object.entries(groups).map(([text, group]) => ({
    ...(text !== "" && { text, collapsed: false }),
    items: Object.entries(group).map(([file, title]) => ({ text: title, link: linkOf(pages.get(file)) })),
  })),
  { text: "API", collapsed: false, items: reference() },
];
