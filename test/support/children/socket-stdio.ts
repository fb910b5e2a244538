// Joins its standard input and output with the socket whose path is its argument, as `sealpipe dial` does.

import { connect } from "node:net";

const socket = connect({ path: process.argv[2] as string, allowHalfOpen: true });
socket.on("error", (error) => {
  console.error(error.message);
  process.exit(3);
});
process.stdin.pipe(socket);
socket.pipe(process.stdout);
process.stdout.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
