/** The method that `util.inspect` and `console.log` call. */
export const inspection: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** What an object shows of itself there; `undefined` is left out. */
export type Shown = Readonly<Record<string, string | number | undefined>>;

/** An object in one line. */
export function oneLine(object: object, shown: Shown): string {
  const known = Object.entries(shown).filter(([, value]) => value !== undefined);
  return `${object.constructor.name} { ${known.map(([name, value]) => `${name}: ${value}`).join(", ")} }`;
}
