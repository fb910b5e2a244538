// Why a native frame's header has fields of fixed size: the four layouts that were considered, written and read beside
// each other. Run it with `npm run bench -- --layout`. A figure is nanoseconds for each message of 64 bytes.

import assert from "node:assert/strict";

interface Layout {
  readonly name: string;
  /** Writes the message behind the others and returns where the next begins. */
  write(target: Uint8Array, offset: number, type: number, data: Uint8Array): number;
  /** Reads one and calls `found`; returns where the next begins. */
  read(source: Uint8Array, offset: number, found: (type: number, start: number, end: number) => void): number;
}

const kind = 0x10;

const fixed16: Layout = {
  name: "kind u8, length u16, type u32",
  write(target, offset, type, data) {
    const bodyBytes = 4 + data.length;
    target[offset] = kind;
    target[offset + 1] = bodyBytes >>> 8;
    target[offset + 2] = bodyBytes;
    writeUint32(target, offset + 3, type);
    target.set(data, offset + 7);
    return offset + 7 + data.length;
  },
  read(source, offset, found) {
    expectKind(source[offset]);
    const end = offset + 3 + (source[offset + 1] as number) * 256 + (source[offset + 2] as number);
    found(readUint32(source, offset + 3), offset + 7, end);
    return end;
  },
};

const fixed24: Layout = {
  name: "kind u8, length u24, type u32",
  write(target, offset, type, data) {
    const bodyBytes = 4 + data.length;
    target[offset] = kind;
    target[offset + 1] = bodyBytes >>> 16;
    target[offset + 2] = bodyBytes >>> 8;
    target[offset + 3] = bodyBytes;
    writeUint32(target, offset + 4, type);
    target.set(data, offset + 8);
    return offset + 8 + data.length;
  },
  read(source, offset, found) {
    expectKind(source[offset]);
    const low = (source[offset + 2] as number) * 256 + (source[offset + 3] as number);
    const end = offset + 4 + (source[offset + 1] as number) * 65_536 + low;
    found(readUint32(source, offset + 4), offset + 8, end);
    return end;
  },
};

const fixed32: Layout = {
  name: "kind u8, length u32, type u32",
  write(target, offset, type, data) {
    target[offset] = kind;
    writeUint32(target, offset + 1, 4 + data.length);
    writeUint32(target, offset + 5, type);
    target.set(data, offset + 9);
    return offset + 9 + data.length;
  },
  read(source, offset, found) {
    expectKind(source[offset]);
    const end = offset + 5 + readUint32(source, offset + 1);
    found(readUint32(source, offset + 5), offset + 9, end);
    return end;
  },
};

const variable: Layout = {
  name: "kind u8, length and type of variable size",
  write(target, offset, type, data) {
    target[offset] = kind;
    const afterLength = writeVariable(target, offset + 1, data.length);
    const afterType = writeVariable(target, afterLength, type);
    target.set(data, afterType);
    return afterType + data.length;
  },
  read(source, offset, found) {
    expectKind(source[offset]);
    let position = offset + 1;
    const next = (): number => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = source[position] as number;
        position += 1;
        value += (byte & 0x7f) * factor;
        if (byte < 0x80) return value;
      }
    };
    const length = next();
    const type = next();
    found(type, position, position + length);
    return position + length;
  },
};

function expectKind(found: number | undefined): void {
  if (found !== kind) throw new Error("a message begins elsewhere");
}

function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

function readUint32(source: Uint8Array, offset: number): number {
  const low =
    ((source[offset + 1] as number) << 16) |
    ((source[offset + 2] as number) << 8) |
    (source[offset + 3] as number);
  return (source[offset] as number) * 0x1000000 + low;
}

function writeVariable(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let position = offset;
  while (rest >= 128) {
    target[position] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
    position += 1;
  }
  target[position] = rest;
  return position + 1;
}

const slab = new Uint8Array(130_048);
const data = Uint8Array.from({ length: 64 }, (_, index) => index);
const types = [1, 5, 300, 70_000, 4_294_967_295];
const repetitions = 300;

/** Fills the slab and reads it again; what is read is compared when `check` is set. */
function run(layout: Layout, check: boolean): { writeNs: number; readNs: number; messages: number } {
  let messages = 0;
  let end = 0;
  const begun = process.hrtime.bigint();
  for (let repetition = 0; repetition < repetitions; repetition++) {
    messages = 0;
    end = 0;
    while (end + 80 <= slab.length) {
      end = layout.write(slab, end, types[messages % types.length] as number, data);
      messages += 1;
    }
  }
  const written = process.hrtime.bigint();
  let sum = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    let read = 0;
    for (let offset = 0; offset < end; ) {
      offset = layout.read(slab, offset, (type, start, stop) => {
        if (check) {
          assert.equal(type, types[read % types.length]);
          assert.deepEqual(slab.subarray(start, stop), data);
        }
        sum += type + stop - start;
        read += 1;
      });
    }
    assert.equal(read, messages);
  }
  const done = process.hrtime.bigint();
  assert.ok(sum > 0);
  const all = messages * repetitions;
  return { writeNs: Number(written - begun) / all, readNs: Number(done - written) / all, messages };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

const layouts = [fixed16, fixed24, fixed32, variable];
for (const layout of layouts) run(layout, true);
const samples = layouts.map(() => ({ write: [] as number[], read: [] as number[], messages: 0 }));
for (let round = 0; round < 31; round++) {
  for (const [index, layout] of layouts.entries()) {
    const { writeNs, readNs, messages } = run(layout, false);
    const sample = samples[index] as (typeof samples)[number];
    sample.write.push(writeNs);
    sample.read.push(readNs);
    sample.messages = messages;
  }
}
for (const [index, { name }] of layouts.entries()) {
  const { write, read, messages } = samples[index] as (typeof samples)[number];
  const line = [
    `write ${median(write).toFixed(1)} ns`,
    `read ${median(read).toFixed(1)} ns`,
    `${messages} in a record`,
  ];
  console.log(`${name.padEnd(44)} ${line.join(", ")}`);
}
