/** How many events are kept of a durable one. */
export interface Retention {
  /** How many of the latest, 1 to 4294967295. Default 1000. */
  readonly maxEvents?: number | undefined;
  /** How old one may become, in milliseconds, 1000 at least. Default: as old as it will. */
  readonly maxAgeMs?: number | undefined;
}

/** How an event goes to all callers over NATS. Over any other transport it goes as other events do. */
export interface Delivery {
  /** Published once, by a subject, instead of written for each caller. At most once. Default: false. */
  readonly fanOut?: boolean | undefined;
  /**
   * Published by a subject and kept, so that a caller that comes later gets the last one, and one that was away those that it has
   * missed. `true` is a {@link Retention} of defaults. Default: false.
   */
  readonly durable?: boolean | Retention | undefined;
}
