/** A clock that stands still until a test moves it. */
export class FakeClock {
  #now = 1_000;

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
