// An extension host, as far as the extension notices: loads the extension by its manifest, activates it, and runs its commands.
// VS Code itself is not run. Two such processes are two windows. Arguments: the folder of the extension, and which window.

const assert = require("node:assert/strict");
const { once } = require("node:events");
const { join } = require("node:path");
const vscode = require("vscode");

const [, , folder, window] = process.argv;
const manifest = require(join(folder, "package.json"));
const context = { subscriptions: [], asAbsolutePath: (path) => join(folder, path) };

async function main() {
  const extension = require(join(folder, manifest.main));
  await extension.activate(context);
  const contributed = manifest.contributes.commands.map(({ command }) => command);
  assert.deepEqual([...vscode.registered.keys()], contributed);
  const { user } = vscode;
  const told = once(user, "status");
  user.answer = `from ${window}`;
  await vscode.registered.get("notes.add")();
  assert.deepEqual(await told, [`Last note: from ${window}`]);
  await vscode.registered.get("notes.list")();
  console.log(user.shown.join("; "));
  if (window === "the last window") await vscode.registered.get("notes.stopDaemon")();
  for (const { dispose } of context.subscriptions) dispose();
  await extension.deactivate();
  assert.equal(vscode.registered.size, 0);
}

main();
