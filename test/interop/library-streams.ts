import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import {
  type Client,
  type Connection,
  type Server,
  type Stream,
  startClient,
  startServer,
  type TraceContext,
} from "sealpipe";
import { pattern, sha256 } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";
import type { OtherEnd, OtherLibrary } from "../support/other-end.ts";

export function describeStreams(other: OtherLibrary): void {
  const echoes = 21;
  const fails = 22;
  const floods = 23;
  const endless = 24;
  const traces = 25;
  const tracesRequest = 14;
  const nobodys = 77;
  const sizes = [0, 1, 64, 16_376, 16_377, 65_536, 130_040, 130_041, 1_000_000];

  interface Conversation {
    readonly them: OtherEnd;
    readonly ours: Client | Connection;
    readonly ending: Server | Client;
  }

  async function withOurServer(encryption: boolean): Promise<Conversation> {
    const name = freshName();
    const server = await startServer(name, { encryption });
    const connected = once(server, "connection");
    const them = other.start("client", name, `--encryption=${encryption}`);
    const [ours] = (await connected) as [Connection];
    return { them, ours, ending: server };
  }

  async function withOurClient(encryption: boolean): Promise<Conversation> {
    const name = freshName();
    const them = other.start("server", name, `--encryption=${encryption}`);
    await them.untilStatus("listening");
    const ours = await startClient(name, { encryption });
    return { them, ours, ending: ours };
  }

  /** The errors of our handlers, one after the other. */
  const thrown: unknown[] = [];

  function handleAll(ours: Client | Connection): void {
    ours.handleStream(echoes, async (stream: Stream) => {
      assert.equal(stream.text, "another library's");
      for await (const { data } of stream) await stream.write(data);
    });
    ours.handleStream(fails, () => {
      throw Object.assign(new Error("not here"), { code: "NOT_FOUND" });
    });
    const traceOf = ({ context }: { context?: TraceContext | undefined }) =>
      `${context?.traceparent ?? ""} ${context?.tracestate ?? ""}`;
    ours.handle(tracesRequest, traceOf);
    ours.handleStream(traces, async (stream: Stream) => {
      await stream.write(traceOf(stream));
    });
    ours.handleStream(floods, async (stream: Stream) => {
      try {
        for (;;) await stream.write(pattern(1_000, 1));
      } catch (error) {
        thrown.push(error);
        throw error;
      }
    });
  }

  const pairs = {
    [`${other.name}'s client and our server`]: withOurServer,
    [`${other.name}'s server and our client`]: withOurClient,
  };

  describe(`streams with the ${other.name} library`, { skip: other.skip }, () => {
    before(() => {
      other.prepare();
    });

    for (const [pair, converse] of Object.entries(pairs)) {
      for (const encryption of [true, false]) {
        describe(`${pair}, ${encryption ? "encrypted" : "plain"}`, () => {
          let them: OtherEnd;
          let ours: Client | Connection;
          let ending: Server | Client;
          before(async () => {
            ({ them, ours, ending } = await converse(encryption));
            handleAll(ours);
          });
          after(async () => {
            await ending.close();
            await them.stop();
          });

          test("have items of every size both ways, in order, whoever opens them", async () => {
            const stream = await ours.openStream(echoes, "");
            const writing = (async () => {
              for (const bytes of sizes) await stream.write(pattern(bytes, bytes % 251));
              stream.end();
            })();
            const left = [...sizes];
            for await (const { data } of stream) {
              const bytes = left.shift() as number;
              assert.equal(sha256(data), sha256(pattern(bytes, bytes % 251)));
            }
            await writing;
            assert.deepEqual(left, []);
            const back = await them.ask({ do: "stream", type: echoes, bytes: 3_000_000, seed: 5 });
            assert.deepEqual(
              [back["event"], back["bytes"], back["sha256"]],
              ["back", 3_000_000, sha256(pattern(3_000_000, 5))],
            );
          });

          test("are reset by a handler that fails, and if nobody handles them", async () => {
            const failed = await ours.openStream(fails, "");
            await assert.rejects(failed.read(), { code: "NOT_FOUND", message: "not here" });
            await assert.rejects((await ours.openStream(nobodys, "")).read(), { code: "ERR_NO_HANDLER" });
            assert.equal((await them.ask({ do: "stream", type: fails }))["code"], "NOT_FOUND");
            assert.equal((await them.ask({ do: "stream", type: nobodys }))["code"], "ERR_NO_HANDLER");
          });

          test("hold up a writer that is not read, and stop it when its reader leaves", async () => {
            const stream = await ours.openStream(floods, "");
            let items = 0;
            for await (const _ of stream) if (++items === 3) break;
            const held = await them.untilEvent("held");
            assert.equal(held["code"], "ERR_STREAM_STOPPED");
            // A window and what is on its way; filled items have 404 bytes on average.
            assert.ok((held["items"] as number) < 3_000, `it wrote ${held["items"]} items`);
            assert.equal((await them.ask({ do: "stream-stop", type: floods, count: 3 }))["event"], "done");
            await until(() => thrown.length === 1);
            assert.equal((thrown.shift() as { code: string }).code, "ERR_STREAM_STOPPED");
          });

          test("are reset with a code, and by a signal", async () => {
            assert.equal((await them.ask({ do: "stream-reset", type: floods, count: 2 }))["event"], "done");
            await until(() => thrown.length === 1);
            const { code, message } = thrown.shift() as { code: string; message: string };
            assert.deepEqual([code, message], ["ENOUGH", "of it"]);
            (await ours.openStream(endless, "")).reset({ code: "NO", message: "more" });
            const over = await them.untilEvent("stream-over");
            assert.deepEqual([over["code"], over["message"]], ["NO", "more"]);
            const aborting = new AbortController();
            await ours.openStream(endless, "", { signal: aborting.signal });
            aborting.abort();
            assert.equal((await them.untilEvent("stream-over"))["code"], "ERR_STREAM_RESET");
          });

          test("belong to a trace, as requests do, or to none", async () => {
            const traced = {
              traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
              tracestate: "a=b",
            };
            for (const [context, said] of [
              [traced, `${traced.traceparent} a=b`],
              [undefined, " "],
            ] as const) {
              assert.equal((await ours.request(tracesRequest, "", { context })).text, said);
              const stream = await ours.openStream(traces, "", { context });
              assert.equal((await stream.read())?.text, said);
              assert.equal(
                (await them.ask({ do: "request", type: tracesRequest, trace: context }))["text"],
                said,
              );
              assert.equal((await them.ask({ do: "stream", type: traces, trace: context }))["text"], said);
            }
          });

          test("wait for one another while as many are open as the other end takes", async () => {
            const open = await Promise.all(Array.from({ length: 64 }, () => ours.openStream(endless, "")));
            const waiting = ours.openStream(endless, "");
            const first = await Promise.race([waiting, ours.request(11, "")]);
            assert.ok(!open.includes(first as Stream) && "text" in first && !("stop" in first), "it waits");
            open[0]?.reset();
            await them.untilEvent("stream-over");
            const last = await waiting;
            for (const stream of [...open, last]) stream.reset();
            // The handler of the last may have had to wait, and then never begins.
            for (let count = 0; count < 63; count++) await them.untilEvent("stream-over");
          });
        });
      }
    }
  });

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  }
}
