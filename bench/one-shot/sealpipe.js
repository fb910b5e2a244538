// A whole life on sealpipe: connect, ask, be answered, end. Arguments: the server's name, the client's options.
import { startClient } from "../../build/bundle/index.js";

const [name, options] = process.argv.slice(2);
const client = await startClient(name, JSON.parse(options));
const question = "what is the time?";
const { text } = await client.request(1, question);
if (text !== question) throw new Error("a wrong answer");
await client.close();
process.on("exit", () => console.log(JSON.stringify(process.cpuUsage())));
