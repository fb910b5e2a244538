/**
 * Whether both have the same bytes. The time it takes depends on the length alone, so that nobody can find out a
 * proof byte by byte.
 */
export function equalBytes(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false;
  let difference = 0;
  for (let index = 0; index < first.length; index++) {
    difference |= (first[index] as number) ^ (second[index] as number);
  }
  return difference === 0;
}
