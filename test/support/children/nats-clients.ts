// Clients over one connection to NATS, which count what each of them has received: how many messages, and the first that was
// not the next one.
import { connect } from "@nats-io/transport-node";
import { startClient } from "sealpipe";
import { natsTransport } from "sealpipe/nats";

const [url, name, secret, count, messages] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const nats = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
const transport = natsTransport(nats, name);
const clients = await Promise.all(
  Array.from({ length: Number(count) }, () =>
    startClient(name, { secret, transport, retryDelayMs: 5, maxRetryDelayMs: 50 }),
  ),
);
let wrong: string | undefined;
let lostSessions = 0;
let broken = 0;
let complete = 0;
for (const client of clients) {
  let received = 0;
  client.on("error", () => (broken += 1));
  client.on("session-lost", () => (lostSessions += 1));
  client.on("message", ({ data }) => {
    const number = Buffer.from(data).readUInt32BE();
    if (number !== received) wrong ??= `${number} came, and ${received} was next`;
    received += 1;
    if (received === Number(messages)) complete += 1;
    if (complete === clients.length) tell({ event: "complete", wrong, broken, lostSessions });
  });
}
tell({ event: "connected" });
