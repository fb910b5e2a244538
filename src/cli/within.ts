/** How long to wait for a promise. */
export interface Wait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The error if it takes longer. */
  late(timeoutMs: number): Error;
}

/** What the promise settles with, unless that takes too long or the run is to stop. */
export async function within<T>(promise: Promise<T>, { timeoutMs, signal, late }: Wait): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late(timeoutMs)), timeoutMs);
        stop = () => reject(signal.reason);
        signal.addEventListener("abort", stop);
        if (signal.aborted) stop();
      }),
    ]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
