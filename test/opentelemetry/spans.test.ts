import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { Histogram } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { instrument } from "sealpipe/opentelemetry";
import { clientAt, connectedPair, freshServer } from "../support/endpoints.ts";
import { lacksGo } from "../support/go-peer.ts";
import { telemetry } from "../support/open-telemetry.ts";
import { startCollector } from "../support/otel-collector.ts";
import { Relay } from "../support/relay.ts";
import { thorough } from "../support/thorough.ts";
import { until } from "../support/waiting.ts";

function pairOf(spans: readonly ReadableSpan[]): readonly [ReadableSpan, ReadableSpan] {
  const client = spans.find(({ kind }) => kind === SpanKind.CLIENT);
  const server = spans.find(({ kind }) => kind === SpanKind.SERVER);
  assert.ok(client !== undefined && server !== undefined);
  return [client, server];
}

describe("the spans of a request", () => {
  test("are one at each end, in one trace, which travels by the wire", async (t) => {
    const { spans } = telemetry(t);
    const { client, server } = await connectedPair(t);
    server.handle(5, ({ text }) => `${text}!`);
    await client.request(5, "hello");
    const [asked, handled] = pairOf(spans());
    assert.equal(spans().length, 2);
    assert.deepEqual([asked.name, handled.name], ["request 5", "request 5"]);
    assert.equal(handled.spanContext().traceId, asked.spanContext().traceId);
    assert.equal(handled.parentSpanContext?.spanId, asked.spanContext().spanId);
    assert.equal(handled.parentSpanContext?.isRemote, true);
    assert.deepEqual(asked.attributes, {
      "rpc.system.name": "sealpipe",
      "rpc.method": "5",
      "sealpipe.type": 5,
      "server.address": server.address,
      "sealpipe.request.size": 5,
      "sealpipe.response.size": 6,
    });
    assert.equal(asked.status.code, SpanStatusCode.UNSET);
    assert.equal(JSON.stringify([asked.attributes, handled.attributes]).includes("hello"), false);
  });

  test("are inside the active span of the caller, and around what the handler does", async (t) => {
    const { spans, tracerProvider } = telemetry(t, { nameOf: () => "Notes/open" });
    const { client, server } = await connectedPair(t);
    const tracer = tracerProvider.getTracer("program");
    server.handle(1, async () => {
      await Promise.resolve();
      tracer.startActiveSpan("read a file", (span) => span.end());
      return "";
    });
    await tracer.startActiveSpan("a click", async (span) => {
      await client.request(1, "");
      span.end();
    });
    const byName = (name: string) => spans().filter((span) => span.name === name);
    const [click] = byName("a click");
    const [inner] = byName("read a file");
    const [asked, handled] = pairOf(byName("Notes/open"));
    assert.equal(asked.parentSpanContext?.spanId, click?.spanContext().spanId);
    assert.equal(inner?.parentSpanContext?.spanId, handled.spanContext().spanId);
    assert.equal(new Set(spans().map((span) => span.spanContext().traceId)).size, 1);
    assert.equal(asked.attributes["rpc.method"], "Notes/open");
  });

  test("say that it failed by its code, and nothing of its message", async (t) => {
    const { spans } = telemetry(t);
    const { client, server } = await connectedPair(t);
    server.handle(1, () => {
      throw Object.assign(new Error("no file /home/someone"), { code: "NOT_FOUND" });
    });
    await assert.rejects(client.request(1, ""));
    for (const span of pairOf(spans())) {
      assert.equal(span.status.code, SpanStatusCode.ERROR);
      assert.deepEqual(
        [span.attributes["error.type"], span.attributes["rpc.response.status_code"]],
        ["NOT_FOUND", "NOT_FOUND"],
      );
      const told = JSON.stringify([span.attributes, span.status, span.events]);
      assert.equal(told.includes("someone"), false);
    }
  });

  test("leave a context that the program hands on by itself", async (t) => {
    const { spans } = telemetry(t);
    const { client, server } = await connectedPair(t);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    server.handle(1, ({ context }) => context?.traceparent);
    const seen: unknown[] = [];
    const see = (call: unknown): void => void seen.push(Object(call).context.traceparent);
    subscribe("tracing:sealpipe:request:asyncEnd", see);
    t.after(() => unsubscribe("tracing:sealpipe:request:asyncEnd", see));
    const answer = await client.request(1, "", { context: { traceparent, tracestate: "a=1" } });
    assert.equal(answer.text, traceparent);
    assert.deepEqual(seen, [traceparent]);
    const [asked, handled] = pairOf(spans());
    assert.equal(asked.spanContext().traceId, "0af7651916cd43dd8448eb211c80319c");
    assert.equal(handled.parentSpanContext?.spanId, "b7ad6b7169203331");
    assert.equal(handled.spanContext().traceState?.get("a"), "1");
  });

  test("are none after stop, and none without a call", async (t) => {
    const { spans, instrumentation } = telemetry(t);
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ context }) => `${context?.traceparent}`);
    instrumentation.stop();
    assert.equal((await client.request(1, "")).text, "undefined");
    assert.deepEqual(spans(), []);
  });
});

describe("the spans of a stream", () => {
  test("last until it is over, and are in one trace", async (t) => {
    const { spans } = telemetry(t);
    const { client, server } = await connectedPair(t);
    server.handleStream(2, async (stream) => {
      for await (const { text } of stream) await stream.write(text);
    });
    const stream = await client.openStream(2, "log");
    await stream.write("one");
    await stream.read();
    assert.deepEqual(spans(), []);
    stream.end();
    assert.equal(await stream.read(), undefined);
    await until(() => spans().length === 2);
    const [opened, handled] = pairOf(spans());
    assert.deepEqual([opened.name, handled.name], ["stream 2", "stream 2"]);
    assert.equal(handled.parentSpanContext?.spanId, opened.spanContext().spanId);
  });

  test("say that it was reset", async (t) => {
    const { spans } = telemetry(t);
    const { client } = await connectedPair(t);
    const stream = await client.openStream(3, "");
    await assert.rejects(stream.read(), { code: "ERR_NO_HANDLER" });
    assert.equal(spans()[0]?.attributes["error.type"], "ERR_NO_HANDLER");
  });
});

describe("the spans of messages", () => {
  test("are made if that is asked for, with sizes", async (t) => {
    const { spans, points } = telemetry(t, { messages: true });
    const { client, server } = await connectedPair(t);
    await client.write(7, "secret text");
    await server.read();
    const [sent, received] = spans();
    assert.deepEqual(
      [sent?.name, sent?.kind, received?.name, received?.kind],
      ["send 7", SpanKind.PRODUCER, "receive 7", SpanKind.CONSUMER],
    );
    assert.equal(sent?.attributes["messaging.message.body.size"], 11);
    const counted = await points("sealpipe.messages");
    assert.deepEqual(
      counted.map(({ value }) => value),
      [1, 1],
    );
  });

  test("are none otherwise", async (t) => {
    const { spans } = telemetry(t);
    const { client, server } = await connectedPair(t);
    await client.write(7, "");
    await server.read();
    assert.deepEqual(spans(), []);
  });
});

describe("metrics", () => {
  test("have durations in seconds, by method and failure", async (t) => {
    const { points } = telemetry(t);
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    await client.request(1, "");
    await client.request(1, "");
    await assert.rejects(client.request(2, ""));
    const durations = await points("rpc.client.call.duration");
    const told = durations.map(({ attributes, value }) => [
      attributes["rpc.method"],
      attributes["error.type"],
      (value as Histogram).count,
    ]);
    assert.deepEqual(told, [
      ["1", undefined, 2],
      ["2", "ERR_NO_HANDLER", 1],
    ]);
    const sum = durations.map(({ value }) => (value as Histogram).sum ?? 0)[0] ?? 0;
    assert.ok(sum > 0 && sum < 60, "in seconds");
    const handled = await points("rpc.server.call.duration");
    assert.deepEqual(
      handled.map(({ value }) => (value as Histogram).count),
      [2],
    );
  });

  test("have what is open, what waits in it, handshakes and resumes", async (t) => {
    const { points } = telemetry(t);
    const server = await freshServer(t);
    const relay = await Relay.start(t, server.address);
    const client = await clientAt(t, relay.name, { retryDelayMs: 1 });
    const resumes = async (): Promise<unknown[]> =>
      (await points("sealpipe.resumes")).map(({ value }) => value);
    relay.cut();
    await until(() => client.stats().resumes === 1 && server.stats().resumes === 1);
    assert.deepEqual(await resumes(), [1, 1]);
    await client.write(1, new Uint8Array(1_000));
    const at = async (name: string, side: string): Promise<unknown> =>
      (await points(name)).find(({ attributes }) => attributes["sealpipe.side"] === side)?.value;
    assert.equal(await at("sealpipe.connections.open", "client"), 1);
    assert.ok(((await at("sealpipe.queued", "client")) as number) >= 1_000);
    await until(() => server.stats().unreadBytes > 0);
    assert.ok(((await at("sealpipe.unread", "server")) as number) >= 1_000);
    const handshakes = (await points("sealpipe.handshake.duration")).map(
      ({ value }) => (value as Histogram).count,
    );
    assert.deepEqual(handshakes, [2, 2]);
    await client.close();
    await until(() => server.connections.length === 0);
    assert.equal(await at("sealpipe.connections.open", "client"), 0);
  });
});

describe("OTLP", () => {
  test("has the spans, as a receiver gets them", async (t) => {
    const bodies: string[] = [];
    const receiver = createServer((request, response) => {
      request.setEncoding("utf8");
      let body = "";
      request.on("data", (text) => {
        body += text;
      });
      request.on("end", () => {
        bodies.push(body);
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    t.after(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces` });
    const { tracerProvider } = telemetry(t, {}, exporter);
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    await client.request(1, "");
    await tracerProvider.forceFlush();
    receiver.closeAllConnections();
    const spans = bodies.flatMap((body) =>
      JSON.parse(body).resourceSpans.flatMap(
        (resource: { scopeSpans: { spans: { name: string; kind: number }[] }[] }) =>
          resource.scopeSpans.flatMap((scope) => scope.spans),
      ),
    );
    assert.deepEqual(
      spans.map(({ name }: { name: string }) => name),
      ["request 1", "request 1"],
    );
    // OTLP's numbers for a client's and a server's span.
    assert.deepEqual(spans.map(({ kind }: { kind: number }) => kind).sort(), [2, 3]);
  });
});

const skip = lacksGo() || (!thorough && "the collector takes a minute or two to build: SEALPIPE_THOROUGH=1");

describe("a real collector", { skip, timeout: 600_000 }, () => {
  test("gets the spans of both ends, in one trace", async (t) => {
    const collector = await startCollector(t);
    const exporter = new OTLPTraceExporter({ url: `${collector.url}/v1/traces` });
    const { tracerProvider } = telemetry(t, { nameOf: () => "Notes/open" }, exporter);
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    await client.request(1, "");
    await tracerProvider.forceFlush();
    await collector.untilWritten("Kind           : Client", "Kind           : Server");
    const valuesOf = (name: string) =>
      [...collector.written.matchAll(new RegExp(`^ +${name} +: (.+)$`, "gm"))].map(([, value]) => value);
    assert.deepEqual(valuesOf("Name"), ["Notes/open", "Notes/open"]);
    assert.equal(new Set(valuesOf("Trace ID")).size, 1);
    const parents = valuesOf("Parent ID").filter((id) => id !== "");
    assert.ok(parents.length === 1 && valuesOf("ID").includes(parents[0]), collector.written);
    assert.match(collector.written, /rpc\.system\.name: Str\(sealpipe\)/);
  });
});

describe("instrument", () => {
  test("refuses options that make no sense", () => {
    for (const options of [{ tracer: 1 }, { nameOf: "name" }, { messages: 1 }, { tracerProvider: "x" }]) {
      assert.throws(() => instrument(options as never), { code: "ERR_INVALID_OPTION" });
    }
  });

  test("works without an SDK: nothing is made, and nothing travels", async (t) => {
    const instrumentation = instrument();
    t.after(() => instrumentation.stop());
    assert.equal(trace.getActiveSpan(), undefined);
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ context }) => `${context?.traceparent}`);
    assert.equal((await client.request(1, "")).text, "undefined");
  });
});
