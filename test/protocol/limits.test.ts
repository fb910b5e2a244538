import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  defaultEngineLimits,
  endGraceMs,
  handshakeGraceMs,
  maxMaximumSizeFrameBytes,
  maxMaxMessageBytes,
  settleAfterOpenMs,
} from "#dist/protocol/limits.js";

describe("the limits", () => {
  test("have golang-ipc's maximum message size as the default", () => {
    assert.equal(defaultEngineLimits.maxMessageBytes, 3 * 1024 * 1024);
  });

  test("cannot be changed for everyone by accident", () => {
    assert.ok(Object.isFrozen(defaultEngineLimits));
  });

  test("leave a sealed message of the highest size within one AES-256-GCM call, and its length within 4 bytes", () => {
    assert.ok(maxMaxMessageBytes + 4 < 2 ** 31);
    assert.ok(maxMaxMessageBytes + 4 + 28 < 2 ** 32);
  });

  test("leave room for the sealed maximum size", () => {
    assert.ok(maxMaximumSizeFrameBytes >= 12 + 4 + 16);
  });

  test("let a close wait for a peer that may never end less long than for one that hangs", () => {
    assert.ok(settleAfterOpenMs < endGraceMs);
    assert.ok(endGraceMs < defaultEngineLimits.closeTimeoutMs);
  });

  test("let a close wait for a handshake no longer than for a peer that hangs", () => {
    assert.ok(handshakeGraceMs < defaultEngineLimits.closeTimeoutMs);
    assert.ok(handshakeGraceMs < defaultEngineLimits.handshakeTimeoutMs);
  });
});
