import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { aboutNobody } from "#dist/endpoint/diagnostics.js";
import type { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import type { Established } from "#dist/endpoint/driver/established.js";
import { parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { Acceptor } from "#dist/endpoint/server/acceptor.js";
import { concat } from "../../support/bytes.ts";
import { FakeTransport } from "../../support/fake-transport.ts";
import { plainWire } from "../../support/hand-made-peer.ts";
import { accepted, confirmation } from "../../support/raw-peer.ts";
import { isSettled } from "../../support/waiting.ts";

function setUp() {
  const told: string[] = [];
  const established: Established[] = [];
  const released: EngineDriver[] = [];
  const acceptor = new Acceptor({
    about: aboutNobody,
    options: parseServerOptions({ encryption: false }),
    session: () => undefined,
    takeOver: (taken) => {
      established.push(taken);
      told.push("established");
      return {
        message: ({ type }) => told.push(`message ${type}`),
        request() {},
        progressed() {},
        closed: (error) => told.push(`closed ${error?.code ?? "in order"}`),
        released: () => told.push("released"),
      };
    },
    failed: (error) => told.push(`failed ${error?.code ?? "in order"}`),
    tookTurn() {},
    released: (driver) => released.push(driver),
  });
  const accept = () => {
    const transport = new FakeTransport();
    const driver = acceptor.accept(transport);
    after(() => {
      driver.destroy();
      transport.handler.closed();
    });
    return { transport, driver };
  };
  return { acceptor, accept, told, established, released };
}

const handshake = concat(accepted, confirmation);

describe("an acceptor", () => {
  test("ends with an established connection, whose events are its taker's from then on", () => {
    const { accept, told, established, released } = setUp();
    const { transport, driver } = accept();
    transport.handler.chunk(concat(handshake, plainWire.message(7, new Uint8Array(1))));
    assert.deepEqual(told, ["established", "message 7"]);
    assert.equal(established[0]?.driver, driver);
    assert.equal(established[0]?.profile, "classic");
    transport.handler.ended();
    transport.handler.closed();
    assert.deepEqual(told.slice(2), ["closed in order", "released"]);
    assert.deepEqual(released, []);
  });

  test("says what a handshake failed for, and when its transport is gone", () => {
    const { accept, told, released } = setUp();
    const { transport, driver } = accept();
    transport.handler.chunk(Uint8Array.of(1));
    assert.deepEqual(told, ["failed ERR_VERSION_MISMATCH"]);
    assert.deepEqual(released, []);
    transport.handler.closed();
    assert.deepEqual(released, [driver]);
  });

  test("closes in order once every handshake is over, however that ends", async () => {
    const { acceptor, accept, told } = setUp();
    const [fails, finishes, established] = [accept(), accept(), accept()];
    established.transport.handler.chunk(handshake);
    told.length = 0;
    const closing = acceptor.close();
    assert.equal(await isSettled(closing), false);
    fails.transport.handler.closed(new Error("broken"));
    assert.equal(await isSettled(closing), false);
    finishes.transport.handler.chunk(handshake);
    finishes.transport.handler.ended();
    finishes.transport.handler.closed();
    await closing;
    assert.deepEqual(told, ["failed ERR_CONNECTION_LOST", "failed in order"]);
    assert.deepEqual(established.transport.calls, ["ref"], "that is no longer its own");
  });

  test("drops every handshake at once, and nothing that is established", () => {
    const { acceptor, accept, told } = setUp();
    const [dropped, established] = [accept(), accept()];
    established.transport.handler.chunk(handshake);
    acceptor.destroy();
    assert.deepEqual(dropped.transport.calls, ["ref", "destroy"]);
    assert.deepEqual(established.transport.calls, ["ref"]);
    dropped.transport.handler.closed();
    assert.deepEqual(told, ["established"]);
  });

  test("has handshakes keep the process alive or not, those to come too", () => {
    const { acceptor, accept } = setUp();
    const one = accept();
    acceptor.setReferenced(false);
    const other = accept();
    assert.deepEqual([one.transport.calls, other.transport.calls], [["ref", "unref"], ["unref"]]);
  });

  test("of nothing closes at once", async () => {
    await setUp().acceptor.close();
  });
});
