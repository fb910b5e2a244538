// A sidecar: app.ts starts it, and it ends when that does.

import { sidecar } from "sealpipe/sidecar";

const server = await sidecar({
  application: "shouter",
  applicationVersion: "1.0.0",
  onEnd: ({ by, reason }) => console.log(`the daemon ends: ${by}, ${reason}`),
});
server.handle(1, ({ text }) => text.toUpperCase());
console.log("the daemon is there");
