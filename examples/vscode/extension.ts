// The extension: each window has an extension host, and all hosts share one daemon.

import type { Client } from "sealpipe";
import { bind } from "sealpipe/contract";
import { connectOrSpawn } from "sealpipe/sidecar";
import * as vscode from "vscode";
import { application, notes, version } from "./contract.ts";

let client: Client | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const connected = await connectOrSpawn(
    application,
    // VS Code's own Node: on a desktop Electron, which is Node if the environment says so.
    process.execPath,
    [context.asAbsolutePath("out/daemon.cjs")],
    {
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
      expect: { application, version },
      // After an update, windows that are still open have the old extension, and end their commands with an error.
      replace: (running) => running.version.localeCompare(version, "en", { numeric: true }) < 0,
      client: { directory: "runtime" },
    },
  );
  client = connected;
  const daemon = await bind(connected, notes);
  const status = vscode.window.createStatusBarItem();
  status.show();
  context.subscriptions.push(
    status,
    { dispose: daemon.on.added((note) => (status.text = `Last note: ${note}`)) },
    vscode.commands.registerCommand("notes.add", async () => {
      const note = await vscode.window.showInputBox({ prompt: "The note" });
      if (note) await vscode.window.showInformationMessage(`You have ${await daemon.add(note)} notes`);
    }),
    vscode.commands.registerCommand("notes.list", async () => {
      await vscode.window.showQuickPick(await daemon.list());
    }),
    vscode.commands.registerCommand("notes.stopDaemon", async () => {
      await connected.shutdownServer("a user asked for it");
      await connected.close();
    }),
  );
}

/** VS Code waits for it, for some seconds. The daemon goes on for other windows. */
export async function deactivate(): Promise<void> {
  await client?.close();
}
