import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { CallerError } from "sealpipe";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { parseSecret, withSecret } from "#dist/endpoint/options/secret.js";
import { pattern, toHex } from "../../support/bytes.ts";
import { connectedPair } from "../../support/endpoints.ts";
import { freshDirectory } from "../../support/names.ts";

type Parse = (options: object) => { readonly secret: Uint8Array | undefined };

function refusal(parse: Parse, options: unknown): string {
  try {
    parse(options as object);
  } catch (error) {
    assert.ok(error instanceof CallerError);
    assert.equal(error.code, "ERR_INVALID_OPTION");
    return error.message;
  }
  throw new Error("nothing was thrown");
}

function detached<T extends Uint8Array>(bytes: T): T {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
  return bytes;
}

for (const parse of [parseServerOptions, parseClientOptions] as Parse[]) {
  describe(`the secret of ${parse.name}`, () => {
    test("is text as UTF-8, or bytes, from 1 to 1024 of them", () => {
      const secretOf = (secret: unknown) => toHex(parse({ secret }).secret ?? pattern(0));
      assert.equal(secretOf("é€😀"), "c3 a9 e2 82 ac f0 9f 98 80");
      assert.equal(secretOf("a"), "61");
      assert.equal(parse({ secret: "é".repeat(512) }).secret?.length, 1_024);
      assert.equal(secretOf(Buffer.from(pattern(1_024))), toHex(pattern(1_024)));
      assert.equal(parse({}).secret, undefined);
    });

    test("is a copy: what the caller does to its bytes changes nothing", () => {
      const given = pattern(32);
      const { secret } = parse({ secret: given });
      given.fill(0);
      assert.deepEqual(secret, pattern(32));
    });

    test("is the bytes themselves, whatever an array says of its length", () => {
      class Lying extends Uint8Array {
        override get length(): number {
          return 2_000;
        }
        override *[Symbol.iterator](): ArrayIterator<number> {
          yield 1;
        }
      }
      assert.deepEqual(parse({ secret: new Lying(pattern(32)) }).secret, pattern(32));
      const wrong = [
        new Lying(0),
        detached(new Lying(32)),
        detached(pattern(32)),
        new Proxy(pattern(32), {}),
      ];
      for (const secret of wrong) {
        const message = refusal(parse, { secret });
        assert.equal(message, "secret must be a string or a Uint8Array of 1 to 1024 bytes");
      }
    });

    test("is nothing else, and is not shown if it is refused", () => {
      const wrong = [
        ["", pattern(0), "é".repeat(513), pattern(1_025)],
        [
          "open sesame \ud800",
          5_678_123,
          true,
          null,
          ["sesame"],
          { sesame: 1 },
          new DataView(new ArrayBuffer(9)),
        ],
      ].flat();
      for (const secret of wrong) {
        const message = refusal(parse, { secret });
        assert.equal(message, "secret must be a string or a Uint8Array of 1 to 1024 bytes");
      }
    });

    test("is not shown if the options are refused as a whole", () => {
      class Configuration {
        readonly secret = "open sesame";
        [inspect.custom](): string {
          return this.secret;
        }
      }
      const wholes = [
        new Configuration(),
        [{ secret: "open sesame" }],
        new Map([["secret", "open sesame"]]),
        "open sesame",
      ];
      for (const options of wholes) {
        const message = refusal(parse, options);
        assert.match(message, /^options must be a plain object, not /);
        assert.doesNotMatch(message, /sesame/);
      }
    });

    test("may lie in a file, of which there is an absolute path", () => {
      for (const secretFile of ["secret", "./secret", "", "/with\0zero", 5, null, pattern(32)]) {
        assert.equal(refusal(parse, { secretFile }), "secretFile must be the absolute path of a file");
      }
      const secretFile = join(freshDirectory(), "secret");
      assert.equal((parse({ secretFile }) as { secretFile?: string }).secretFile, secretFile);
    });

    test("does not go together with a file, the classic profile, or without encryption", () => {
      const secretFile = "/run/secret";
      const rows = [
        [{ secret: "sesame", secretFile }, /^secret does not go together with secretFile: /],
        [{ secret: "sesame", profile: "classic" }, /^secret does not go together with profile "classic": /],
        [{ secretFile, profile: "classic" }, /^secretFile does not go together with profile "classic": /],
        [{ secret: "sesame", encryption: false }, /^secret does not go together with encryption false: /],
        [{ secretFile, encryption: false }, /^secretFile does not go together with encryption false: /],
      ] as const;
      for (const [options, message] of rows) {
        assert.match(refusal(parse, options), message);
        assert.doesNotMatch(refusal(parse, options), /sesame/);
      }
      for (const profile of ["auto", "native"]) parse({ secret: "sesame", profile, encryption: true });
    });
  });
}

describe("withSecret", () => {
  test("puts the secret in the place of its file", async () => {
    const secretFile = join(freshDirectory(), "secret");
    writeFileSync(secretFile, pattern(40), { mode: 0o600 });
    const options = { ...parseSecret({ secretFile }), other: 1 };
    assert.deepEqual(await withSecret(options), { secret: pattern(40), secretFile: undefined, other: 1 });
  });

  test("leaves options without a file as they are", async () => {
    const options = parseSecret({ secret: "sesame" });
    assert.equal(await withSecret(options), options);
  });
});

test("neither a server nor a client nor a connection shows the secret", async (t) => {
  const secret = "open sesame";
  const { server, client, connection } = await connectedPair(t, { server: { secret }, client: { secret } });
  const bytes = [...new TextEncoder().encode(secret)];
  for (const endpoint of [server, client, connection]) {
    const everything = { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null };
    for (const shown of [inspect(endpoint, everything), String(endpoint)]) {
      assert.doesNotMatch(shown, /sesame/);
      assert.ok(!shown.replaceAll(/\s/g, "").includes(bytes.join(",")));
      assert.ok(!shown.replaceAll(/\s/g, "").includes(Buffer.from(secret).toString("hex")));
    }
  }
});
