import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection } from "sealpipe";
import { toBytes } from "#dist/endpoint/messages/message.js";
import { Answer, IncomingRequest } from "#dist/endpoint/requests/request.js";
import { ConnectionRequest } from "#dist/endpoint/server/connection.js";

describe("an answer", () => {
  test("has its bytes, and the text that they are", () => {
    const data = toBytes("grün");
    assert.equal(new Answer(data).data, data);
    assert.equal(new Answer(data).text, "grün");
    assert.equal(new Answer(Uint8Array.of(0xff)).text, "\ufffd");
  });
});

describe("a request that came in", () => {
  const content = { type: 5, data: toBytes("hello") };
  const controller = new AbortController();

  test("has its type, its bytes and their text", () => {
    const request = new IncomingRequest(content, controller);
    assert.equal(request.type, 5);
    assert.equal(request.data, content.data);
    assert.equal(request.text, "hello");
  });

  test("has the signal that aborts when nobody waits any more", () => {
    assert.equal(new IncomingRequest(content, controller).signal, controller.signal);
  });

  test("knows the connection that it came by, at a server", () => {
    const connection = { id: 1 } as Connection;
    const request = new ConnectionRequest(content, controller, connection);
    assert.equal(request.connection, connection);
    assert.equal(request.text, "hello");
  });
});
