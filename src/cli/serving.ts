import type { Connection, SealpipeError, Server } from "../index.ts";
import type { Output, OutputRecord } from "./output.ts";

/** Shows what a server's clients do besides talking: they come, go and fail. */
export async function tellConnections(server: Server, output: Output): Promise<void> {
  server.on("connection", (connection) => {
    void output.record(connectedRecord(connection), `${label(connection)} is here: ${described(connection)}`);
    connection.on("close", () => {
      const { id, status } = connection;
      void output.record({ event: "disconnected", connection: id, status }, `${label(connection)} has left`);
    });
  });
  server.on("error", (error: SealpipeError, connection) => {
    const which = connection === undefined ? "" : `${label(connection)}: `;
    output.say(`${which}${error.message} (${error.code})`);
  });
  const { name, address } = server;
  await output.record({ event: "listening", name, address }, `listening at ${address}`);
}

export function label({ id }: Connection): string {
  return `client ${id}`;
}

function connectedRecord({ id, profile, encrypted, peer }: Connection): OutputRecord {
  const { pid, library, application, applicationVersion } = peer ?? {};
  const who = { pid, library, application, applicationVersion };
  return { event: "connected", connection: id, profile, encrypted, ...who };
}

function described({ profile, encrypted, peer }: Connection): string {
  const wire = `${profile}, ${encrypted ? "encrypted" : "plain"}`;
  if (peer === undefined) return `golang-ipc; ${wire}`;
  return `${peer.application || "a program"}, pid ${peer.pid}; ${wire}`;
}
