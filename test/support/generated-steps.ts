const previous = {
  path: "older",
  version: 2,
  author: { name: "Bob" },
  mode: "1st",
  size: 0,
  ratio: -1,
  isOpen: false,
  tags: ["x"],
  counts: {},
  shapes: [],
  note: "n",
  anything: 0,
};

const doc = {
  path: "a/b é 😀",
  version: 2,
  author: { name: "Ada", mail: null },
  mode: "read-write",
  size: 9007199254740991,
  ratio: 0.1,
  isOpen: true,
  tags: [],
  counts: { one: 1, "": -2 },
  shapes: [
    { kind: "circle", radius: 1.5 },
    { kind: "square", side: 3, label: "s" },
  ],
  favourite: { kind: "square", side: 4 },
  note: null,
  lines: [[1, 2], []],
  previous,
  "content-type": "text/plain",
  class: "c",
  anything: { deep: [1, null, "x"] },
};

/** What each step of a client in `interop/contracts` gives, whatever the languages of both. */
export const expectedSteps: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["echo", doc],
  ["missing", { code: "NOT_FOUND", data: { path: "missing", tries: 3 } }],
  ["busy", { code: "BUSY" }],
  ["invalid", { code: "ERR_INVALID_INPUT", paths: [["size"]] }],
  ["circle", { kind: "square", side: 2, label: "was a circle" }],
  ["nothing", null],
  ["bytes", [255, 254, 0]],
  ["count", [0, 0, 2]],
  ["wrong", { code: "ERR_INVALID_OUTPUT" }],
  ["has", [true, true]],
  [
    "events",
    [["told", { done: 8, total: 100, note: "how far?" }], ["said", [1, 2, 3]], ["tick"], ["said", [8, 7]]],
  ],
  ["list", [0, 1, 2, 3, 4]],
  ["list missing", { code: "NOT_FOUND" }],
  ["list wrong", { code: "ERR_INVALID_OUTPUT" }],
  ["list left", 3],
  ["saved", 3],
  [
    "chat",
    [
      { kind: "square", side: 9, label: "was a circle" },
      { kind: "circle", radius: 5 },
    ],
  ],
]);
