/** `open_file`, `open-file` and `openFile` as `OpenFile`; empty if there is no letter and no digit in it. */
export function pascal(text: string): string {
  return wordsOf(text)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

/** The same as `openFile`. */
export function camel(text: string): string {
  const name = pascal(text);
  const start = /^[A-Z]+(?![a-z])|^[A-Z]/.exec(name)?.[0] ?? "";
  return start.toLowerCase() + name.slice(start.length);
}

/** The same as `open_file`. */
export function snake(text: string): string {
  return wordsOf(text.replace(/([a-z0-9])([A-Z])/g, "$1 $2"))
    .join("_")
    .toLowerCase();
}

function wordsOf(text: string): string[] {
  return text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
}

/** Names that are taken in one place: no two things have the same one. */
export class NameScope {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** That name, or with a number after it: always the same for the same contract. */
  claim(wanted: string, fallback = "Value"): string {
    const base = wanted === "" ? fallback : /^[0-9]/.test(wanted) ? `${fallback}${wanted}` : wanted;
    let name = base;
    for (let number = 2; this.#taken.has(name); number++) name = `${base}${number}`;
    this.#taken.add(name);
    return name;
  }
}
