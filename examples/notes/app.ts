// An app: saves a note, looks at what there is, and is told of what others save. Argument: the daemon's name.

import { connect, isError } from "sealpipe/contract";
import { notes } from "./contract.ts";

await using app = await connect(process.argv[2] ?? "sealpipe-notes", notes, { connectTimeoutMs: 5_000 });

const heard = new Promise<void>((resolve) => {
  app.on.saved(({ title }) => {
    console.log(`saved: "${title}"`);
    resolve();
  });
});

await app.emit.editing({ title: "shopping" });
const { text } = await app.save({ title: "shopping", text: "milk, bread" });
await heard;
console.log(`"shopping" has ${text.split(", ").length} lines`);
console.log(`there are: ${(await app.list()).join(", ")}`);

try {
  await app.open({ title: "holiday" });
} catch (error) {
  if (!isError(error, notes.open, "NOT_FOUND")) throw error;
  console.log(`not found: "${error.data.title}"`);
}

try {
  await app.save({ title: "", text: "a note without a title" });
} catch (error) {
  if (!isError(error, notes.save, "ERR_INVALID_INPUT")) throw error;
  for (const { path, message } of error.data) console.log(`refused: ${path.join(".")}: ${message}`);
}
