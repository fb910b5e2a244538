// A server and a client in one program, which bundlers make one file of. Arguments: which, and the name.
import { connect, contract, event, method, serve, stream } from "sealpipe/contract";
import { z } from "zod";

const daemon = contract("bundled", {
  double: method(1, { input: z.number(), output: z.number() }),
  count: stream(2, { input: z.number(), output: z.number() }),
  changed: event(3, z.string()),
});

const [, , role, name] = process.argv;
if (role === "server") listen();
else talk();

async function listen() {
  const server = await serve(name, daemon, {
    double(number) {
      server.emit.changed(`${number}`);
      return number * 2;
    },
    async *count(upTo) {
      for (let number = 1; number <= upTo; number++) yield number;
    },
  });
  console.log("listens");
  process.once("SIGTERM", () => server.close());
}

async function talk() {
  const app = await connect(name, daemon, { connectTimeoutMs: 20_000 });
  const changed = new Promise((resolve) => app.on.changed(resolve));
  const doubled = await app.double(21);
  let sum = 0;
  // More than have a cipher of their own, so that WebAssembly and what else is loaded later have their turn.
  for await (const number of app.count(1_000)) sum += number;
  console.log(doubled, sum, await changed);
  await app.close();
}
