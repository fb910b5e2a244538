/** The control characters that a terminal would obey, but for the line feed and the tabulator; and those that turn text round. */
const controls = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text of a peer or a process for a terminal: a control character shows as its number. */
export function printable(text: string): string {
  return text.replace(controls, (character) => {
    if (character === "\n" || character === "\t") return character;
    const code = character.codePointAt(0) as number;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
