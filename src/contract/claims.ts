import { type Direction, invalid, type Member, type Members } from "./members.ts";

/** Which end of a contract this one is. */
export type Side = "implementer" | "caller";

const taken = new WeakMap<object, Map<string, string>>();

/** Whether that end may send such events. */
export function sends(side: Side, direction: Direction): boolean {
  return direction === "both" || direction === (side === "implementer" ? "to-caller" : "from-caller");
}

/**
 * Takes the numbers of a contract on an endpoint, so that no other contract there means something else by one of them.
 *
 * @returns Gives them back.
 * @throws CallerError `ERR_INVALID_ARGUMENT` if one of them is taken; then none is.
 */
export function claim(
  endpoint: object,
  side: Side,
  contract: { readonly name: string; readonly members: Members },
): () => void {
  const claims = taken.get(endpoint) ?? new Map<string, string>();
  taken.set(endpoint, claims);
  const wanted = Object.entries(contract.members).flatMap(([name, member]) =>
    usesOf(side, member).map((use) => ({ use, by: `"${name}" of contract "${contract.name}"` })),
  );
  for (const { use, by } of wanted) {
    const other = claims.get(use);
    if (other !== undefined) throw invalid(`${by} and ${other} are both ${use} here`);
  }
  for (const { use, by } of wanted) claims.set(use, by);
  return () => {
    for (const { use } of wanted.splice(0)) claims.delete(use);
  };
}

function usesOf(side: Side, member: Member): string[] {
  const { number } = member;
  if (member.kind === "method")
    return [`method ${number} that this end ${side === "caller" ? "calls" : "handles"}`];
  if (member.kind === "stream")
    return [`stream ${number} that this end ${side === "caller" ? "opens" : "handles"}`];
  const sent = sends(side, member.direction) ? [`event ${number} that this end sends`] : [];
  const other: Side = side === "caller" ? "implementer" : "caller";
  const heard = sends(other, member.direction) ? [`event ${number} that this end hears`] : [];
  return [...sent, ...heard];
}
