/** What a library of Windows' is to offer: a function, which is one of another library's. */
export interface Forwarding {
  readonly library: string;
  readonly function: string;
  /** `library.function`, the library without its `.dll`. */
  readonly target: string;
}

const headerBytes = 512;
const sectionBytes = 512;
const sectionAddress = 0x1000;
const directories = 16;
const optionalHeaderBytes = 112 + directories * 8;

/** A 64-bit library that holds no code: one function, forwarded. The numbers are those of the PE format. */
export function forwardingDll(forwarding: Forwarding): Buffer {
  const { bytes, usedBytes } = exportSection(forwarding);
  return Buffer.concat([headers(usedBytes), bytes]);
}

function exportSection({ library, function: name, target }: Forwarding): {
  bytes: Buffer;
  usedBytes: number;
} {
  const bytes = Buffer.alloc(sectionBytes);
  const [functionsAt, namesAt, ordinalsAt] = [40, 44, 48];
  let end = 50;
  const text = (value: string): number => {
    const at = end;
    end += bytes.write(`${value}\0`, at, "latin1");
    return sectionAddress + at;
  };
  bytes.writeUInt32LE(text(library), 12);
  // The first ordinal, and how many functions and names there are.
  for (const at of [16, 20, 24]) bytes.writeUInt32LE(1, at);
  bytes.writeUInt32LE(sectionAddress + functionsAt, 28);
  bytes.writeUInt32LE(sectionAddress + namesAt, 32);
  bytes.writeUInt32LE(sectionAddress + ordinalsAt, 36);
  // An address within this section is no code but the name of where the function is.
  bytes.writeUInt32LE(text(target), functionsAt);
  bytes.writeUInt32LE(text(name), namesAt);
  return { bytes, usedBytes: end };
}

function headers(exportBytes: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt32LE(0x40, 0x3c);
  bytes.write("PE\0\0", 0x40, "latin1");
  const file = 0x44;
  bytes.writeUInt16LE(0x8664, file); // x86-64
  bytes.writeUInt16LE(1, file + 2); // sections
  bytes.writeUInt16LE(optionalHeaderBytes, file + 16);
  bytes.writeUInt16LE(0x2022, file + 18); // a library, 64-bit
  const optional = file + 20;
  bytes.writeUInt16LE(0x20b, optional); // PE32+
  bytes.writeBigUInt64LE(0x1_8000_0000n, optional + 24); // where it likes to be
  bytes.writeUInt32LE(0x1000, optional + 32); // alignment in memory
  bytes.writeUInt32LE(0x200, optional + 36); // alignment in the file
  bytes.writeUInt16LE(6, optional + 40); // for Windows Vista or later
  bytes.writeUInt16LE(6, optional + 48);
  bytes.writeUInt32LE(sectionAddress + 0x1000, optional + 56); // size in memory
  bytes.writeUInt32LE(headerBytes, optional + 60);
  bytes.writeUInt16LE(3, optional + 68); // for consoles
  bytes.writeUInt16LE(0x100, optional + 70); // fit for data execution prevention
  bytes.writeUInt32LE(directories, optional + 108);
  bytes.writeUInt32LE(sectionAddress, optional + 112);
  bytes.writeUInt32LE(exportBytes, optional + 116);
  const section = optional + optionalHeaderBytes;
  bytes.write(".edata", section, "latin1");
  bytes.writeUInt32LE(exportBytes, section + 8);
  bytes.writeUInt32LE(sectionAddress, section + 12);
  bytes.writeUInt32LE(sectionBytes, section + 16);
  bytes.writeUInt32LE(headerBytes, section + 20);
  bytes.writeUInt32LE(0x4000_0040, section + 36); // data that can be read
  return bytes;
}
