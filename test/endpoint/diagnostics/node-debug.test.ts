import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { freshName } from "../../support/names.ts";

const library = new URL("../../../../dist/index.js", import.meta.url).href;

/** A program whose two ends say a secret and data to each other. */
const program = `
const { startClient, startServer } = await import(process.argv[1]);
const options = { secret: "the-secret-that-nobody-may-see" };
const server = await startServer(process.argv[2], { ...options, application: "daemon\\nSEALPIPE forged" });
server.handle(1, ({ text }) => text + "-the-answer");
server.handle(2, () => { throw Object.assign(new Error("the-message"), { code: "BROKEN" }); });
server.handleStream(3, async (stream) => { for await (const _ of stream); });
const client = await startClient(server.name, options);
await client.write(5, "the-payload");
await server.read();
await client.request(1, "the-question");
await client.request(2, "").catch(() => {});
const stream = await client.openStream(3, "the-opening");
await stream.write("the-item");
stream.end();
await stream.read();
await client.close();
await server.close();
`;

function run(debug: string | undefined): string {
  const env = { ...process.env };
  if (debug === undefined) delete env["NODE_DEBUG"];
  else env["NODE_DEBUG"] = debug;
  const args = ["--input-type=module", "--eval", program, library, freshName()];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  assert.deepEqual([status, stdout], [0, ""], stderr);
  return stderr;
}

describe("NODE_DEBUG=sealpipe", () => {
  test("prints a line for each event, and never a secret or data", () => {
    const lines = run("sealpipe").trimEnd().split("\n");
    for (const line of lines) assert.match(line, /^SEALPIPE \d+: [a-z]/);
    const text = lines.join("\n");
    for (const words of [
      /: listening server \S+ address=\S+$/m,
      /: connecting client /,
      /: handshake client .* step=client-awaits-server-key ms=[\d.]+$/m,
      /: open client .* profile=native encrypted=true peer="daemon\\nSEALPIPE forged \d+ sealpipe\/.*"/,
      /: message:sent client .* type=5 bytes=11$/m,
      /: message:received server #1 type=5 bytes=11$/m,
      /: request begins client .* type=1 bytes=12$/m,
      /: request ends client .* type=1 bytes=12 answerBytes=23$/m,
      /: request failed client .* type=2 bytes=0 error=BROKEN$/m,
      /: handler begins server #1 type=1 bytes=12$/m,
      /: stream begins client .* type=3 bytes=11$/m,
      /: stream-handler ends server #1 type=3 bytes=11 stream=1$/m,
      /: closed client .* status=closed$/m,
    ]) {
      assert.match(text, words);
    }
    assert.doesNotMatch(text, /the-(secret|payload|answer|question|opening|item|message)/);
  });

  test("is silent without it, and for other names", () => {
    assert.equal(run(undefined), "");
    assert.doesNotMatch(run("other"), /SEALPIPE/);
  });
});
