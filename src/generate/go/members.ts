import type { ErrorModel, EventModel, MemberModel, Part } from "../model.ts";
import { NameScope, pascal } from "../names.ts";
import { partType } from "./declarations.ts";

/** A member, what it is called in Go, and the types of its errors. */
export interface Named {
  readonly member: MemberModel;
  readonly name: string;
  readonly errors: readonly (ErrorModel & { readonly type: string })[];
}

/** `names`: those that are taken in the package; the types of the errors join them. */
export function namedMembers(members: readonly MemberModel[], names: NameScope): Named[] {
  const scope = new NameScope();
  return members.map((member) => {
    const name = scope.claim(pascal(member.name), "Member");
    return { member, name, errors: errorsOf(member, name, names) };
  });
}

function errorsOf(member: MemberModel, name: string, names: NameScope): Named["errors"] {
  if (member.kind === "event") return [];
  return member.errors.map((each) => ({
    ...each,
    type: names.claim(`${name}${pascal(each.code.toLowerCase())}Error`),
  }));
}

/** What follows the context in a list of parameters, and what it is passed on as. */
export function inputOf(part: Part | undefined, name = "input"): { parameter: string; argument: string } {
  if (part === undefined) return { parameter: "", argument: "contract.Nothing{}" };
  return { parameter: `, ${name} ${partType(part)}`, argument: name };
}

/** Of either half: what sends an event. `type`: its receiver's; `to`: where it goes. */
export function emitText({ name: own, data }: EventModel, name: string, type: string, to: string): string {
  const { parameter, argument } = inputOf(data, "data");
  const letter = type[0]?.toLowerCase();
  const [who, emit] = type === "Server" ? ["to all callers", "EmitAll"] : ["to the other end", "Emit"];
  return `
// Emit${name} sends the event ${own} ${who}.
func (${letter} *${type}) Emit${name}(ctx context.Context${parameter}) error {
	return contract.${emit}(ctx, ${to}, member${name}, ${argument})
}
`;
}
