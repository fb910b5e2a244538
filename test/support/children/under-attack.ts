// Loaded before a program that uses the library: when that closes its server, or its client, the test that started it is
// asked to attack first, by then with each listener in place.
// SEALPIPE_ATTACK: "server" or "client", which of the two is attacked.

import { Client } from "sealpipe";
import { Server } from "#dist/endpoint/server/server.js";

const servers: Server[] = [];
let attacked: Promise<void> | undefined;

/** However often the program closes: settles when the test is done. */
function attack(name: string): Promise<void> {
  attacked ??= new Promise((resolve) => {
    process.once("message", () => resolve());
    process.send?.(name);
  });
  return attacked;
}

const { close: closeServer } = Server.prototype;
const { close: closeClient } = Client.prototype;

if (process.env["SEALPIPE_ATTACK"] === "server") {
  Server.prototype.close = async function (this: Server) {
    await attack(this.name);
    return closeServer.call(this);
  };
} else {
  const prototype = Server.prototype as unknown as { listen(...args: unknown[]): Promise<void> };
  const { listen } = prototype;
  prototype.listen = function (this: unknown, ...args) {
    servers.push(this as Server);
    return listen.apply(this, args);
  };
  // Its own server has to go, so that the hostile one is found at the same name.
  Client.prototype.close = async function (this: Client) {
    for (const server of servers) server.destroy();
    await Promise.all(servers.map((server) => closeServer.call(server)));
    await attack(this.name);
    return closeClient.call(this);
  };
}
