// The ids that streams are told apart by. Source: spec/protocol.md, "Streams".

export type Side = "client" | "server";

const idSpace = 0x1_0000_0000;

/** Whether that side opens streams of that id. */
export function isIdOf(side: Side, id: number): boolean {
  return id !== 0 && id % 2 === (side === "client" ? 1 : 0);
}

/** Whether an id is given after another: each is the next but one, and after the highest comes the lowest. */
export function isAfter(id: number, other: number): boolean {
  const distance = (id - other) >>> 0;
  return distance > 0 && distance < idSpace / 2;
}

/** The ids that a side gives to the streams that it opens. */
export class OwnStreamIds {
  readonly #side: Side;
  #last: number;

  /** `last`: the id after which it begins. */
  constructor(side: Side, last = 0) {
    this.#side = side;
    this.#last = last;
  }

  /** The one that was given last; 0 if none was. */
  get last(): number {
    return this.#last;
  }

  next(isInUse: (id: number) => boolean): number {
    do this.#last = this.#after(this.#last);
    while (isInUse(this.#last));
    return this.#last;
  }

  #after(id: number): number {
    const next = id === 0 && this.#side === "client" ? 1 : (id + 2) % idSpace;
    return next === 0 ? 2 : next;
  }
}
