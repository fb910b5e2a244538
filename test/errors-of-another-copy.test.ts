import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as ours from "#dist/errors.js";
import { connectedPair } from "./support/endpoints.ts";
import { nextEvent, record } from "./support/waiting.ts";

/** The same module, loaded once more: a second copy of the library in this process. */
const others = (await import(`${import.meta.resolve("#dist/errors.js")}?another`)) as typeof ours;

const { CallerError, PeerError, SystemError, RemoteError } = ours;
const classes = { CallerError, PeerError, SystemError, RemoteError };

describe("an error of another copy of the library", () => {
  const errors = {
    CallerError: new others.CallerError("ERR_CLOSED", "closed"),
    PeerError: new others.PeerError("ERR_CONNECTION_LOST", "lost"),
    SystemError: new others.SystemError("ERR_LISTEN_FAILED", "failed"),
    RemoteError: new others.RemoteError("NOT_FOUND", "there is none"),
  };
  for (const [name, errorClass] of Object.entries(classes)) {
    const error: Error = errors[name as keyof typeof errors];
    test(`is an instance of SealpipeError and ${name}, and of no other class`, () => {
      assert.notEqual(others.SealpipeError, ours.SealpipeError);
      assert.ok(error instanceof ours.SealpipeError);
      for (const other of Object.values(classes)) {
        assert.equal(error instanceof other, other === errorClass, other.name);
      }
    });

    test(`is none of a class that a program derives from ${name}`, () => {
      class Derived extends (errorClass as unknown as typeof Error) {}
      assert.equal(error instanceof Derived, false);
      assert.ok(Object.create(Derived.prototype) instanceof Derived);
    });
  }

  test("is reported by an event if a listener lets it through, or is silent if it is ERR_CLOSED", async (t) => {
    const { client, connection } = await connectedPair(t);
    const told = record(client, "error");
    client.on("message", async ({ type }) => {
      throw type === 1 ? errors.CallerError : errors.PeerError;
    });
    connection.write(1, "");
    connection.write(2, "");
    await nextEvent(client, "error");
    assert.deepEqual(told, [errors.PeerError]);
  });
});

describe("what is no error of the library", () => {
  test("is no instance of its classes, whatever its code", () => {
    for (const value of [
      Object.assign(new Error("x"), { code: "ERR_CLOSED" }),
      {},
      null,
      undefined,
      "ERR_CLOSED",
      5,
    ]) {
      assert.equal((value as unknown) instanceof ours.SealpipeError, false);
      assert.equal((value as unknown) instanceof ours.CallerError, false);
    }
  });
});
