import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError } from "sealpipe";
import type { JsonSchema } from "sealpipe/contract";
import { generate, type Language, languages } from "#dist/generate/index.js";
import { exported } from "../support/generated-programs.ts";

function withInput(input: JsonSchema, others: object = {}): object {
  const member = { kind: "method", number: 1, input, ...others };
  return { sealpipe: "contract/1", name: "files", version: "1", codec: "json", members: { open: member } };
}

function withProperty(schema: JsonSchema): object {
  return withInput({ type: "object", properties: { it: schema }, required: ["it"] });
}

/** Asserts that it fails with the code, the place and the reason. */
function refused(description: object, language: Language, message: RegExp): void {
  assert.throws(
    () => generate(description, language),
    (error) => {
      assert.ok(error instanceof CallerError);
      assert.equal(error.code, "ERR_NOT_EXPRESSIBLE");
      assert.match(error.message, message);
      return true;
    },
  );
}

/** The one line that begins so. */
function line(code: string, start: string): string | undefined {
  return code.split("\n").find((each) => each.trimStart().startsWith(start));
}

const text = { type: "string" };
const tagged = (kind: string, more: object = {}) => ({
  type: "object",
  properties: { kind: { const: kind }, ...more },
  required: ["kind"],
});

describe("generated code", () => {
  for (const language of languages) {
    test(`in ${language} is the same for the same contract, however its JSON is written`, () => {
      const once = generate(exported(), language);
      assert.equal(generate(exported(), language), once);
      assert.equal(generate(JSON.parse(JSON.stringify(exported(), undefined, 3)), language), once);
    });

    test(`in ${language} is ASCII, whatever the texts of a contract`, () => {
      const hostile = `*/ """ \\ \u2028 é 😀 \u202e " ' \${x} \r\n // x`;
      const schema = {
        type: "object",
        properties: { a: { ...text, description: hostile } },
        description: hostile,
      };
      const description = {
        ...withInput({ ...schema, title: hostile }),
        name: `a${hostile}`,
        version: hostile,
      };
      const code = generate(description, language);
      const code2 = code.replace(/^\s*(\/\/|\*|\/\*\*|#|""").*$/gm, "");
      assert.doesNotMatch(code2, /[^\n\t -~]/);
      assert.doesNotMatch(code, /[\u2028\u202e\r]/);
    });

    test(`in ${language} takes no name of a member, and no code, that is none`, () => {
      const member = { kind: "method", number: 1 };
      const members = { "a b": member };
      refused({ ...withInput(true), members }, language, /"a b": no name that a member can have/);
      refused(withInput(true, { errors: { "A B": null } }), language, /"A B" is no code/);
      refused(withInput(true, { errors: { ERR_X: null } }), language, /"ERR_X" is no code/);
    });

    test(`in ${language} refuses, with the place, what it cannot check`, () => {
      refused(withProperty({ not: text }), language, /^open\.input: .*\/properties\/it: the keyword "not"/);
      refused(withProperty({ type: "nothing" }), language, /open\.input: .*it\/type: no type "nothing"/);
      refused(withProperty({ $ref: "#/$defs/none" }), language, /leads to nothing/);
      refused(withProperty({ $ref: "https://example.com/x" }), language, /is outside of the schema/);
      refused(withProperty(false), language, /open\.input\/properties\/it: a schema that takes nothing/);
      refused(withProperty({ minimum: 5 }), language, /it: "minimum" without a "type"/);
      refused(
        withInput({ $defs: { a: { type: "array", items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" }),
        language,
        /stands in itself/,
      );
      const both = { type: "object", properties: { a: text }, additionalProperties: text };
      refused(withProperty(both), language, /further ones that have a schema/);
      refused(withProperty({ allOf: [text, { minLength: 1 }] }), language, /several schemas at once/);
      refused(withProperty({ const: { a: 1 } }), language, /the value \{"a":1\}/);
      refused(
        withInput({ type: "object", properties: { a: text }, required: ["b"] }),
        language,
        /the property "b"/,
      );
    });

    test(`in ${language} has nothing of a member of a later kind`, () => {
      const members = { later: { kind: "later", number: 1 }, now: { kind: "method", number: 2 } };
      assert.doesNotMatch(line(generate({ ...withInput(true), members }, language), "later") ?? "", /later/);
    });

    test(`in ${language} gives two things that come to the same name two names`, () => {
      const members = {
        open_file: { kind: "method", number: 1, input: { type: "object", properties: { a: text } } },
        openFile: { kind: "method", number: 2, input: { type: "object", properties: { b: text } } },
      };
      const code = generate({ ...withInput(true), members }, language);
      assert.match(code, /\bOpenFileInput\b/);
      assert.match(code, /\bOpenFileInput2\b/);
    });
  }

  test("has an event for many as fanOut or durable in TypeScript, as a plain event in Go and Python, and describes it alike", () => {
    const tick = { kind: "event", number: 1, data: text, direction: "to-caller" };
    const members = {
      tick: { ...tick, fanOut: true },
      price: { ...tick, number: 2, durable: { maxEvents: 5 } },
    };
    const plain = { tick, price: { ...tick, number: 2 } };
    const codeOf = (which: object, language: Language) =>
      generate({ ...withInput(true), members: which }, language);
    assert.match(line(codeOf(members, "typescript"), "tick:") ?? "", /, \{ fanOut: true \}\)/);
    assert.match(
      line(codeOf(members, "typescript"), "price:") ?? "",
      /, \{ durable: \{ maxEvents: 5 \} \}\)/,
    );
    for (const language of ["go", "python"] as const) {
      const described = (each: string) => /fanOut|durable|sealpipe/.test(each);
      const differing = codeOf(members, language)
        .split("\n")
        .filter((each, index) => each !== codeOf(plain, language).split("\n")[index]);
      assert.ok(differing.length > 0 && differing.every(described), differing.join("\n"));
    }
  });

  test("has types of the names that schemas have as titles, once for schemas that say the same", () => {
    const doc = { type: "object", properties: { a: text }, title: "My doc" };
    const code = generate(withInput(doc, { output: doc }), "typescript");
    assert.equal(code.match(/type MyDoc = /g)?.length, 1);
    assert.doesNotMatch(code, /MyDoc2/);
  });

  test("has a second type for another schema with the same title", () => {
    const doc = { type: "object", properties: { a: text }, title: "Doc" };
    const code = generate(withInput(doc, { output: { ...doc, required: ["a"] } }), "typescript");
    assert.match(code, /type Doc2 = /);
  });

  test("says of a codec that a language does not have", () => {
    const description = { ...withInput(true), codec: "msgpack" };
    refused(description, "go", /^codec: the library for Go has json alone/);
    refused(description, "python", /^codec: the library for Python has json alone/);
    refused({ ...description, codec: "none" }, "typescript", /^codec: there is no codec "none"/);
    assert.match(generate(description, "typescript"), /import \{ msgpack \} from "sealpipe\/msgpack";/);
  });
});

describe("alternatives", () => {
  const plain = { anyOf: [text, { type: "object", properties: { a: text } }] };
  const untagged = {
    anyOf: [
      { type: "object", properties: { a: text } },
      { type: "object", properties: { b: text } },
    ],
  };

  test("that are distinguished by a text are one type in every language", () => {
    const union = { oneOf: [tagged("a", { x: text }), tagged("b")] };
    assert.match(generate(withProperty(union), "go"), /type OpenInputItValue interface/);
    assert.match(
      generate(withProperty(union), "typescript"),
      /type OpenInputIt = OpenInputItA \| OpenInputItB;/,
    );
    assert.match(
      generate(withProperty(union), "python"),
      /OpenInputIt = Union\[OpenInputItA, OpenInputItB\]/,
    );
  });

  test("that are not have no type in Go", () => {
    for (const union of [plain, untagged, { type: ["string", "number"] }])
      refused(withProperty(union), "go", /^open\.input\/properties\/it: Go has no type for alternatives/);
    const same = { oneOf: [tagged("a"), tagged("a", { x: text })] };
    refused(withProperty(same), "go", /alternatives without a text of their own/);
  });

  test("that are not are a plain union in TypeScript and Python", () => {
    assert.match(generate(withProperty(plain), "typescript"), /it: string \| OpenInputIt2;/);
    assert.match(generate(withProperty(plain), "python"), /it: Union\[str, OpenInputIt2\]/);
  });

  test("one of which is null may be null", () => {
    const maybe = { anyOf: [text, { type: "null" }] };
    assert.match(generate(withProperty(maybe), "typescript"), /it: string \| null;/);
    assert.match(generate(withProperty(maybe), "go"), /It \*string `json:"it"`/);
    assert.match(generate(withProperty(maybe), "python"), /it: Optional\[str\]/);
  });
});

describe("in Go", () => {
  test("there is no type for lists whose items differ, values of several types, and some names", () => {
    refused(withProperty({ type: "array", prefixItems: [text], items: false }), "go", /items differ/);
    refused(withProperty({ enum: ["a", 1] }), "go", /neither all texts nor all whole numbers/);
    const odd = { type: "object", properties: { 'a"b': text } };
    refused(withInput(odd), "go", /no field for the property "a\\"b"/);
    refused(withProperty({ contentMediaType: "application/octet-stream" }), "go", /bytes in other data/);
  });

  test("there is no regular expression that looks ahead or repeats for long", () => {
    for (const pattern of ["^(?=a)b", "(?<!a)b", "(?<name>a)", "(a)\\1", "\\p{L}", "a{1001}", "\\u{1f600}"])
      refused(
        withProperty({ ...text, pattern }),
        "go",
        /^open\.input\/properties\/it\/pattern: Go's regular/,
      );
    assert.match(
      generate(withProperty({ ...text, pattern: "^[(?=]\\(\\?=x{3}\\\\d$" }), "go"),
      /package files/,
    );
  });

  test("the package is called as the contract, or as is asked for", () => {
    const named = (name: string) => line(generate({ ...withInput(true), name }, "go"), "package ");
    assert.equal(named("My-App 2"), "package myapp2");
    assert.equal(named("type"), "package contracttypes");
    assert.equal(named("é"), "package contracts");
    assert.match(generate(withInput(true), "go", { packageName: "daemon" }), /^package daemon$/m);
    for (const packageName of ["", "a b", "type", "A", 'x"\n'])
      assert.throws(() => generate(withInput(true), "go", { packageName }), { code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("in TypeScript", () => {
  test("the contract has its own name, or one with a word more if that is in use", () => {
    const named = (name: string) =>
      line(generate({ ...withInput(true), name }, "typescript"), "export const ");
    assert.match(named("my-daemon") ?? "", /const myDaemon = contract\("my-daemon"/);
    assert.match(named("class") ?? "", /const classContract = /);
    assert.match(named("2 x") ?? "", /const contract12X = /);
  });

  test("a property that would be an object's prototype stays a property", () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}');
    assert.match(generate(withInput(schema), "typescript"), /\["__proto__"\]: \{ type: "string" \}/);
  });
});
