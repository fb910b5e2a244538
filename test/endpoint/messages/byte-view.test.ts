import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { byteView } from "#dist/endpoint/messages/byte-view.js";
import { hex, pattern } from "../../support/bytes.ts";

/** What says something else of itself than it is. */
class Liar extends Uint8Array {
  override get length(): number {
    return 600;
  }
}

class Throwing extends Uint8Array {
  override get length(): number {
    throw new Error("the caller's own");
  }
}

/** An ArrayBuffer that can be resized, which the language has from ES2024 on. */
interface Resizable extends ArrayBuffer {
  resize(bytes: number): void;
}

function resizable(bytes: number): Resizable {
  return Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 2 * bytes }]) as Resizable;
}

function detached(bytes: number): Uint8Array {
  const data = pattern(bytes);
  structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
  return data;
}

describe("the bytes of what a caller gives", () => {
  const plain: Record<string, () => Uint8Array> = {
    "a Uint8Array": () => pattern(10),
    "a Buffer": () => Buffer.from("0a0b", "hex"),
    "an empty array": () => hex(""),
    "a large array": () => pattern(100_000),
    "a part of an array": () => pattern(100_000).subarray(10, 70_000),
    "shared memory": () => new Uint8Array(new SharedArrayBuffer(5)).fill(7),
    "an array of another realm": () => runInNewContext("new Uint8Array([1, 2, 3])") as Uint8Array,
  };
  for (const [what, make] of Object.entries(plain)) {
    test(`are those of ${what}`, () => {
      const data = make();
      const view = byteView(data);
      assert.deepEqual([...view], [...data]);
      assert.equal(view.length, data.length);
    });
  }

  const lying: Record<string, () => Uint8Array> = {
    "a class of the caller's": () => new Liar(pattern(4)),
    "a class whose length throws": () => new Throwing(pattern(4)),
    "a property of its own": () => Object.defineProperty(pattern(4), "length", { value: 2 }),
    "its prototype": () => Object.setPrototypeOf(pattern(4), { length: 3 }) as Uint8Array,
  };
  for (const [what, make] of Object.entries(lying)) {
    test(`are all that an array has, if ${what} says otherwise`, () => {
      const view = byteView(make());
      assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype);
      assert.deepEqual(view, pattern(4));
    });
  }

  test("stay as many as they are, if their buffer is resized", () => {
    const buffer = resizable(10_000);
    const view = byteView(new Uint8Array(buffer));
    buffer.resize(15_000);
    assert.equal(view.length, 10_000);
  });

  const gone: Record<string, () => Uint8Array> = {
    "whose memory was transferred": () => detached(20),
    "whose memory was transferred, which was large": () => detached(100_000),
    "that reaches out of its buffer by now": () => {
      const buffer = resizable(30);
      const view = new Uint8Array(buffer, 10, 20);
      buffer.resize(15);
      return view;
    },
  };
  for (const [what, make] of Object.entries(gone)) {
    test(`are refused of an array ${what}`, () => {
      assert.throws(() => byteView(make()), { code: "ERR_INVALID_ARGUMENT", fault: "caller" });
    });
  }

  const others: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    "a number": 1,
    "an ArrayBuffer": new ArrayBuffer(3),
    "an array of numbers": [1, 2],
    "numbers of more bytes": new Float64Array(1),
    "numbers that are clamped": new Uint8ClampedArray(3),
    "a proxy of an array": new Proxy(new Uint8Array(3), {}),
    "what has an array's prototype alone": Object.create(Uint8Array.prototype),
    "what calls itself an array": { [Symbol.toStringTag]: "Uint8Array", length: 3 },
  };
  for (const [what, data] of Object.entries(others)) {
    test(`are not those of ${what}`, () => {
      assert.throws(() => byteView(data), { code: "ERR_INVALID_ARGUMENT", fault: "caller" });
    });
  }
});
