type Openssl = typeof import("node:crypto");

let loaded: Openssl | undefined;

/**
 * `node:crypto`, loaded when it is first needed: on the plain wire a client does not need it, and in a program that connects, asks and
 * ends, loading it takes a tenth of the processor time.
 */
export function openssl(): Openssl {
  loaded ??= process.getBuiltinModule("node:crypto");
  return loaded;
}
