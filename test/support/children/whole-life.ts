// Starts and closes all there is, in the way it is asked for, and then must end by itself: nothing may keep it awake.
// Usage: node whole-life.js NAME close|destroy|using|connect-timeout|abort|failed-handshake|reading

import { startClient, startServer } from "sealpipe";

const [name = "", how = "close"] = process.argv.slice(2);

async function exchange(): Promise<void> {
  await using server = await startServer(name);
  await using client = await startClient(name, { connectTimeoutMs: 3_600_000 });
  await client.write(1, "hello");
  await (await server.read()).connection.write(2, "hello yourself");
  await client.read();
}

switch (how) {
  case "close": {
    const server = await startServer(name);
    const client = await startClient(name);
    await client.write(1, "x".repeat(100_000));
    await client.close();
    await server.close();
    break;
  }
  case "destroy": {
    const server = await startServer(name);
    const client = await startClient(name);
    void client.write(1, "x".repeat(1_000_000));
    client.destroy();
    server.destroy();
    break;
  }
  case "using":
    await exchange();
    break;
  case "connect-timeout":
    await startClient(name, { connectTimeoutMs: 10 }).catch(() => {});
    break;
  case "abort":
    await startClient(name, { signal: AbortSignal.timeout(10) }).catch(() => {});
    break;
  case "failed-handshake": {
    const server = await startServer(name, { encryption: false });
    await startClient(name).catch(() => {});
    await server.close();
    break;
  }
  case "reading": {
    const server = await startServer(name);
    const client = await startClient(name);
    const reads = [client.read().catch(() => {}), server.read({ timeoutMs: 3_600_000 }).catch(() => {})];
    await server.close();
    client.destroy();
    await Promise.all(reads);
  }
}
process.stdout.write(`${JSON.stringify({ event: "done" })}\n`);
