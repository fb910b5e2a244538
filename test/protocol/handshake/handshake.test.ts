import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "#dist/errors.js";
import {
  demandsEncryption,
  demandsNative,
  type HandshakeOptions,
  offersNative,
} from "#dist/protocol/handshake/options.js";
import { HandshakeFailure } from "#dist/protocol/handshake-failure.js";
import { hex, toHex } from "../../support/bytes.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { serverPrivateKey } from "../../support/hand-made-peer.ts";

describe("what an end's options come to", () => {
  const common = { maxMessageBytes: 1_000, crypto: fixedCrypto({ privateKey: serverPrivateKey }) };
  const secret = hex("aa");
  const rows: readonly (readonly [Omit<HandshakeOptions, keyof typeof common>, string])[] = [
    [{ profile: "classic", encryption: false }, ""],
    [{ profile: "auto", encryption: false }, "offers native"],
    [{ profile: "native", encryption: false }, "offers native, demands native"],
    [{ profile: "auto", encryption: true }, "offers native, demands encryption"],
    [{ profile: "auto", encryption: false, secret }, "offers native, demands native, demands encryption"],
    [{ profile: "native", encryption: true, secret }, "offers native, demands native, demands encryption"],
  ];
  for (const [options, expected] of rows) {
    const { profile, encryption } = options;
    const title = `${profile}, ${encryption ? "encrypted" : "plain"}${"secret" in options ? ", with a secret" : ""}`;
    test(`is ${expected === "" ? "nothing but classic" : expected} (${title})`, () => {
      const all = { ...common, ...options };
      const found = [
        offersNative(all) ? "offers native" : [],
        demandsNative(all) ? "demands native" : [],
        demandsEncryption(all) ? "demands encryption" : [],
      ].flat();
      assert.equal(found.join(", "), expected);
    });
  }
});

test("a HandshakeFailure carries the error and the last bytes worth sending", () => {
  const error = new PeerError("ERR_VERSION_MISMATCH", "another version");
  const failure = new HandshakeFailure(error, hex("01"));
  assert.equal(failure.error, error);
  assert.equal(failure.message, "another version");
  assert.equal(toHex(failure.lastWords), "01");
});
