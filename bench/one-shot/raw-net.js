// A whole life on raw `net`: connect, ask, be answered, end.
import { connect } from "node:net";

const socket = connect(process.argv[2]);
const question = Buffer.from("what is the time?");
const header = Buffer.alloc(4);
header.writeUInt32BE(question.length);
socket.write(Buffer.concat([header, question]));
let received = Buffer.alloc(0);
socket.on("data", (chunk) => {
  received = Buffer.concat([received, chunk]);
  if (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) return;
  if (received.toString("latin1", 4) !== question.toString("latin1")) throw new Error("a wrong answer");
  socket.end();
});
process.on("exit", () => console.log(JSON.stringify(process.cpuUsage())));
