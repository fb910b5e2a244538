/** Above this, ids that stay long are kept elsewhere: a single one of them must not make the ring grow without end. */
const maxRingSlots = 65_536;
const minRingSlots = 8;
/** A larger ring is given back once it is empty. */
const maxKeptSlots = 1_024;
/** No id. */
const none = -1;
/** For all that have no ring. Nothing is written there, as what is added makes a ring first. */
const noSlots: never[] = [];

/**
 * What belongs to an id, for ids that are mostly counted up and soon done with, as those of requests are. A `Map` costs
 * several times as much per id: with keys that come and go it is rebuilt again and again.
 */
export class IdMap<V extends NonNullable<unknown>> {
  /** Of a ring, whose slots are the last bits of the ids: in each the id that has it, and what belongs to that. */
  #ids: number[] = noSlots;
  #values: (V | undefined)[] = noSlots;
  #inRing = 0;
  /** Those whose slot was another's. */
  #others: Map<number, V> | undefined;

  get size(): number {
    return this.#inRing + (this.#others?.size ?? 0);
  }

  get(id: number): V | undefined {
    const slot = id & (this.#ids.length - 1);
    return this.#ids[slot] === id ? this.#values[slot] : this.#others?.get(id);
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** The id must have nothing yet. */
  add(id: number, value: V): void {
    if (this.#inRing * 2 >= this.#ids.length && this.#ids.length < maxRingSlots) this.#grow();
    const slot = id & (this.#ids.length - 1);
    const before = this.#values[slot];
    if (before === undefined) this.#inRing += 1;
    else this.#setAside(this.#ids[slot] as number, before);
    this.#ids[slot] = id;
    this.#values[slot] = value;
  }

  /** Whether it had something. */
  delete(id: number): boolean {
    const slot = id & (this.#ids.length - 1);
    if (this.#ids[slot] !== id) return this.#others?.delete(id) ?? false;
    if (this.#values[slot] === undefined) return false;
    this.#values[slot] = undefined;
    this.#inRing -= 1;
    if (this.#inRing === 0 && this.#ids.length > maxKeptSlots) this.#dropRing();
    return true;
  }

  /** All there is, from the id that is counted first on: they go round, and no two are half the way apart. */
  values(): V[] {
    const entries: [number, V][] = [...(this.#others ?? [])];
    this.#values.forEach((value, slot) => {
      if (value !== undefined) entries.push([this.#ids[slot] as number, value]);
    });
    const [first] = entries;
    if (first === undefined) return [];
    return entries.sort(([a], [b]) => ((a - first[0]) | 0) - ((b - first[0]) | 0)).map(([, value]) => value);
  }

  clear(): void {
    this.#dropRing();
    this.#others = undefined;
  }

  #dropRing(): void {
    this.#ids = noSlots;
    this.#values = noSlots;
    this.#inRing = 0;
  }

  #setAside(id: number, value: V): void {
    this.#others ??= new Map();
    this.#others.set(id, value);
  }

  /** Two that had slots of their own have so in a larger ring too. */
  #grow(): void {
    const ids = this.#ids;
    const values = this.#values;
    const slots = Math.max(minRingSlots, ids.length * 2);
    this.#ids = new Array<number>(slots).fill(none);
    this.#values = new Array<V | undefined>(slots).fill(undefined);
    values.forEach((value, index) => {
      if (value === undefined) return;
      const slot = (ids[index] as number) & (slots - 1);
      this.#ids[slot] = ids[index] as number;
      this.#values[slot] = value;
    });
  }
}
