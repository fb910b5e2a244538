import type { ErrorModel, EventModel, MemberModel, Part } from "../model.ts";
import { NameScope, pascal, snake } from "../names.ts";
import { functionName, partType } from "./declarations.ts";

/** A member, what its function is called, the variable that has it, and the classes of its errors. */
export interface Named<M extends MemberModel = MemberModel> {
  readonly member: M;
  readonly name: string;
  readonly variable: string;
  readonly errors: readonly (ErrorModel & { readonly type: string })[];
}

/** `types`: names that are taken in the module; the classes of the errors join them. */
export function namedMembers(members: readonly MemberModel[], types: NameScope): Named[] {
  const functions = new NameScope(["endpoint", "has", "close"]);
  return members.map((member) => {
    const name = functionName(functions.claim(snake(member.name), "member"));
    return { member, name, variable: `_${name.toUpperCase()}`, errors: errorsOf(member, types) };
  });
}

function errorsOf(member: MemberModel, types: NameScope): Named["errors"] {
  if (member.kind === "event") return [];
  return member.errors.map((each) => ({
    ...each,
    type: types.claim(`${pascal(member.name)}${pascal(each.code.toLowerCase())}Error`),
  }));
}

/** What follows `self` in a list of parameters, and what it is passed on as. */
export function inputOf(part: Part | undefined, name = "input"): { parameter: string; argument: string } {
  if (part === undefined) return { parameter: "", argument: "" };
  const type = partType(part);
  return { parameter: `, ${name}: ${type}${part.isOptional ? " = None" : ""}`, argument: `, ${name}` };
}

/** Of either half: what listens for an event. `from`: the type of the argument that says who sent it, or nothing. */
export function hearText({ member, name, variable }: Named<EventModel>, by: string, from: string): string {
  const given = [
    ...(member.data === undefined ? [] : [partType(member.data)]),
    ...(from === "" ? [] : [from]),
  ];
  return `
    def on_${name}(self, listener: Callable[[${given.join(", ")}], object]) -> Callable[[], None]:
        """Listens for the event \`\`${member.name}\`\`, and returns what removes the listener."""
        return ${by}.on(${variable}, listener)
`;
}

/** Of either half: what sends an event. `emit`: the beginning of the call that does it. */
export function emitText({ member, name, variable }: Named<EventModel>, emit: string): string {
  const { parameter, argument } = inputOf(member.data, "data");
  return `
    async def emit_${name}(self${parameter}) -> None:
        """Sends the event \`\`${member.name}\`\`."""
        await ${emit}${variable}${argument})
`;
}
