import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { Handlers } from "#dist/endpoint/handlers.js";
import type { RequestHandler } from "#dist/endpoint/requests/request.js";

const one = () => "one";
const other = () => "other";

describe("the handlers of requests", () => {
  test("are found by the type that they handle", () => {
    const handlers = new Handlers<RequestHandler>("requests");
    handlers.add(1, one);
    handlers.add(4_294_967_295, other);
    assert.equal(handlers.find(1), one);
    assert.equal(handlers.find(4_294_967_295), other);
    assert.equal(handlers.find(2), undefined);
  });

  test("are one for each type", () => {
    const handlers = new Handlers<RequestHandler>("requests");
    handlers.add(1, one);
    assert.throws(() => handlers.add(1, one), {
      code: "ERR_INVALID_ARGUMENT",
      message: /type 1 have a handler/,
    });
    assert.equal(handlers.find(1), one);
  });

  test("make room for another once they are removed", () => {
    const handlers = new Handlers<RequestHandler>("requests");
    const remove = handlers.add(1, one);
    remove();
    assert.equal(handlers.find(1), undefined);
    handlers.add(1, one);
    remove();
    assert.equal(handlers.find(1), one, "what took away the first does not take away the second");
  });

  test("of a connection win over its server's, which handle the rest", () => {
    const server = new Handlers<RequestHandler>("requests");
    const connection = new Handlers<RequestHandler>("requests", server);
    server.add(1, one);
    assert.equal(connection.find(1), one);
    const remove = connection.add(1, other);
    assert.equal(connection.find(1), other);
    assert.equal(server.find(1), one);
    remove();
    assert.equal(connection.find(1), one);
    assert.equal(connection.find(2), undefined);
  });

  for (const { type, code } of [
    { type: 0, code: "ERR_RESERVED_TYPE" },
    { type: -1, code: "ERR_TYPE_OUT_OF_RANGE" },
    { type: 4_294_967_296, code: "ERR_TYPE_OUT_OF_RANGE" },
    { type: "1", code: "ERR_TYPE_OUT_OF_RANGE" },
  ]) {
    test(`have no type ${inspect(type)}`, () => {
      assert.throws(() => new Handlers<RequestHandler>("requests").add(type as number, one), { code });
    });
  }

  for (const handler of [undefined, null, "one", {}]) {
    test(`are functions, not ${inspect(handler)}`, () => {
      assert.throws(() => new Handlers<RequestHandler>("requests").add(1, handler as never), {
        code: "ERR_INVALID_ARGUMENT",
        message: /must be a function/,
      });
    });
  }
});

describe("a handler of any type", () => {
  const handler = (): string => "";
  const [own, ownAny, others, othersAny] = [
    handler.bind(1),
    handler.bind(2),
    handler.bind(3),
    handler.bind(4),
  ];

  test("is for what has none of its own, here or at the server, and this one's is before the server's", () => {
    const server = new Handlers<RequestHandler>("requests");
    const connection = new Handlers<RequestHandler>("requests", server);
    assert.equal(connection.find(1), undefined);
    server.addForAny(othersAny);
    assert.equal(connection.find(1), othersAny);
    const remove = connection.addForAny(ownAny);
    server.add(1, others);
    assert.deepEqual([connection.find(1), connection.find(2), server.find(2)], [others, ownAny, othersAny]);
    connection.add(1, own);
    assert.equal(connection.find(1), own);
    remove();
    assert.equal(connection.find(2), othersAny);
  });

  test("is one at a time, and a function", () => {
    const handlers = new Handlers<RequestHandler>("requests");
    const remove = handlers.addForAny(own);
    assert.throws(() => handlers.addForAny(others), {
      code: "ERR_INVALID_ARGUMENT",
      message: /any type .* already/,
    });
    remove();
    remove();
    handlers.addForAny(others);
    assert.throws(() => handlers.addForAny(5 as unknown as typeof own), { code: "ERR_INVALID_ARGUMENT" });
  });
});
