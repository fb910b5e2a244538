/** A timer, socket or server of the platform's. */
export interface Handle {
  ref(): unknown;
  unref(): unknown;
}

/** Whether `handle` keeps the process alive. */
export function setReferenced(handle: Handle, referenced: boolean): void {
  if (referenced) handle.ref();
  else handle.unref();
}
