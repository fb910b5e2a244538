import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Message } from "sealpipe";
import { toBytes } from "#dist/endpoint/messages/message.js";
import { hex } from "../../support/bytes.ts";
import { texts } from "../../support/vectors.ts";

describe("a message", () => {
  test("has its type, its data as they are, and its data as text", () => {
    const data = Uint8Array.of(0x68, 0xc3, 0xa9);
    const message = new Message(5, data);
    assert.equal(message.type, 5);
    assert.equal(message.data, data);
    assert.equal(message.text, "hé");
  });

  test("has U+FFFD as text if its data is no UTF-8, and an empty text if there is none", () => {
    assert.equal(new Message(1, Uint8Array.of(0x61, 0xff)).text, "a\ufffd");
    assert.equal(new Message(1, new Uint8Array(0)).text, "");
  });
});

describe("the text of a message", () => {
  for (const { name, bytes, codePoints, valid } of texts) {
    const text = String.fromCodePoint(...codePoints);
    test(`is read: ${name}`, () => assert.equal(new Message(1, hex(bytes)).text, text));
    if (valid) test(`is written: ${name}`, () => assert.deepEqual(toBytes(text), hex(bytes)));
  }
});

describe("what is written", () => {
  test("is text as UTF-8", () => {
    assert.deepEqual(toBytes("hé 名 😀"), Uint8Array.from(Buffer.from("hé 名 😀")));
    assert.deepEqual(toBytes(""), new Uint8Array(0));
  });

  for (const [what, text] of Object.entries({
    first: "\ud83d",
    second: "a\ude00b",
    "first, at the end": "名\ud83d",
  })) {
    test(`is no text with the ${what} half of a surrogate pair alone`, () => {
      assert.throws(() => toBytes(text), {
        code: "ERR_INVALID_ARGUMENT",
        message: /half of a surrogate pair/,
      });
    });
  }

  test("is bytes as they are", () => {
    const bytes = Uint8Array.of(1, 2);
    assert.equal(toBytes(bytes), bytes);
    const buffer = Buffer.from("ab");
    assert.equal(toBytes(buffer), buffer);
  });

  for (const data of [
    undefined,
    null,
    5,
    true,
    {},
    [1, 2],
    new ArrayBuffer(2),
    new Uint16Array(2),
    new DataView(new ArrayBuffer(2)),
  ]) {
    test(`is never ${Object.prototype.toString.call(data)}`, () => {
      assert.throws(() => toBytes(data as unknown as string), { code: "ERR_INVALID_ARGUMENT" });
    });
  }
});
