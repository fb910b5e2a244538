import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Calls } from "#dist/inspector/calls.js";
import { Latencies } from "#dist/inspector/latencies.js";
import { Timeline } from "#dist/inspector/timeline.js";

const event = { ms: 0, connection: 1, from: "client", kind: "message" } as const;

describe("the timeline", () => {
  test("keeps as many events as it may, and the newest", () => {
    const timeline = new Timeline(3, 1_000_000);
    for (let type = 1; type <= 5; type++) timeline.add({ ...event, type });
    assert.deepEqual(
      timeline.from(0).map(({ seq, type }) => [seq, type]),
      [
        [3, 3],
        [4, 4],
        [5, 5],
      ],
    );
    assert.deepEqual([timeline.firstSeq, timeline.nextSeq], [3, 6]);
  });

  test("keeps no more bytes than it may, but for the newest event", () => {
    const timeline = new Timeline(1_000, 10_000);
    for (let added = 0; added < 100; added++) {
      timeline.add({ ...event, text: "x".repeat(1_000) });
      assert.ok(timeline.bytes <= 10_000);
    }
    assert.equal(timeline.from(0).length, 4);
    timeline.add({ ...event, text: "x".repeat(20_000) });
    assert.deepEqual(
      timeline.from(0).map(({ seq }) => seq),
      [101],
    );
    timeline.add(event);
    assert.deepEqual(
      timeline.from(0).map(({ seq }) => seq),
      [102],
    );
    assert.equal(timeline.bytes, 256);
  });

  test("gives events in parts, at least one of them", () => {
    const timeline = new Timeline(10, 1_000_000);
    for (let added = 0; added < 5; added++) timeline.add({ ...event, text: "x".repeat(1_000) });
    const seqs = (...args: Parameters<Timeline["from"]>) => timeline.from(...args).map(({ seq }) => seq);
    assert.deepEqual(seqs(2, 2), [2, 3]);
    assert.deepEqual(seqs(2, 10, 1), [2]);
    assert.deepEqual(seqs(2, 10, 3_000), [2, 3]);
    assert.deepEqual(seqs(6), []);
  });
});

describe("latencies", () => {
  test("know what fractions of the times do not exceed, to 9 %", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1_000; ms++) latencies.add(ms);
    for (const [fraction, exact] of [
      [0.5, 500],
      [0.99, 990],
      [1, 1_000],
    ] as const) {
      const found = latencies.quantile(fraction);
      assert.ok(found >= exact && found <= exact * 1.09, `${fraction}: ${found}`);
    }
    assert.equal(latencies.maxMs, 1_000);
  });

  test("are counted in bounds that double, from the shortest to the longest", () => {
    const latencies = new Latencies();
    assert.deepEqual([latencies.histogram(), latencies.quantile(0.99)], [[], 0]);
    for (const ms of [0.003, 0.004, 0.0041, 0.03]) latencies.add(ms);
    assert.deepEqual(latencies.histogram(), [
      [0.004, 2],
      [0.008, 1],
      [0.016, 0],
      [0.032, 1],
    ]);
    latencies.clear();
    assert.deepEqual([latencies.count, latencies.maxMs, latencies.histogram()], [0, 0, []]);
  });

  test("are counted however short or long they are", () => {
    const latencies = new Latencies();
    for (const ms of [0, 1e-9, 1e12]) latencies.add(ms);
    assert.equal(latencies.count, 3);
    assert.equal(
      latencies.histogram().reduce((sum, [, count]) => sum + count, 0),
      3,
    );
  });
});

describe("calls", () => {
  test("of more types than are counted one by one are counted together", () => {
    const calls = new Calls(() => undefined);
    for (let type = 1; type <= 1_000; type++) {
      calls.began("handler", type);
      calls.ended("handler", type, { ms: 1, failed: type === 1_000 });
    }
    const states = calls.states();
    assert.equal(states.length, 201);
    const others = states.find(({ type }) => type === 0);
    assert.deepEqual([others?.done, others?.failed, others?.running], [800, 1, 0]);
  });
});
