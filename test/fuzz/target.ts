import fc from "fast-check";

/** Something that holds whatever a peer or a caller does, as a property of fast-check. */
export interface Target {
  /** A part of it chooses the target on the command line. */
  readonly title: string;
  /** How many inputs `npm test` tries. */
  readonly runs: number;
  readonly property: fc.IRawProperty<unknown, false>;
}

/** `holds` throws where it does not. */
export function target<T>(
  title: string,
  runs: number,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => void,
): Target {
  return { title, runs, property: fc.property(inputs, holds) as unknown as fc.IRawProperty<unknown, false> };
}
