// A client that reads nothing, so that its socket is paused, and waits for its end with nothing else to do.
// Usage: node waits-for-close.js NAME

import { once } from "node:events";
import { startClient } from "sealpipe";

const options = { encryption: false, maxQueuedBytes: 10_000 } as const;
const client = await startClient(process.argv[2] ?? "", options);
// So that only the client can keep this process alive.
process.send?.("connected", () => process.channel?.unref());
const poll = setInterval(() => client.write(1, "are you there?"), 50);
poll.unref();
await once(client, "status");
clearInterval(poll);
await client.close();
process.disconnect?.();
