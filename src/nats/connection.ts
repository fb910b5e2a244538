/** A message of NATS. */
export interface NatsMessage {
  readonly data: Uint8Array;
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly headers?: { readonly code: number } | undefined;
  respond(payload: Uint8Array | string): boolean;
}

/** A subscription of NATS. */
export interface NatsSubscription {
  unsubscribe(): void;
  drain(): Promise<void>;
}

/**
 * What is used of a `NatsConnection`, as `connect` of `@nats-io/transport-node` gives one. Its servers, TLS, credentials and
 * accounts are the options of that `connect`.
 */
export interface NatsConnection {
  readonly info?: { readonly max_payload: number } | undefined;
  publish(subject: string, payload?: Uint8Array | string, options?: { readonly reply?: string }): void;
  subscribe(
    subject: string,
    options: {
      readonly queue?: string;
      callback(error: Error | null, message: NatsMessage): void;
    },
  ): NatsSubscription;
  request(
    subject: string,
    payload: Uint8Array | string,
    options: { readonly timeout: number },
  ): Promise<{ readonly data: Uint8Array }>;
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
}
