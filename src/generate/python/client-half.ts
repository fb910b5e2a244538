import type { EventModel, MethodModel, Part, StreamModel } from "../model.ts";
import { partType } from "./declarations.ts";
import { emitText, hearText, inputOf, type Named } from "./members.ts";

/** The half of the code that calls the members. */
export function clientText(members: readonly Named[]): string {
  return `class Client:
    """Calls the contract at the other end of a connection. \`\`connect\`\` and \`\`bind\`\` make one."""

    def __init__(self, caller: _contract.Caller) -> None:
        self._caller = caller

    @property
    def endpoint(self) -> _contract.CallableEndpoint:
        """What it goes through."""
        return self._caller.endpoint

    def has(self, member: str) -> bool:
        """Whether the other end has the member of that name; \`\`True\`\` also if it does not tell."""
        return self._caller.has(member)

    async def close(self) -> None:
        """Closes the connection."""
        await self._caller.endpoint.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
${members.map(clientMember).join("")}

async def connect(name: str, **options: Unpack[_aio.ClientOptions]) -> Client:
    """Connects to the server with that name; as \`\`sealpipe.aio.connect\`\`.

    Raises a PeerError \`\`ERR_CONTRACT_MISMATCH\`\` if the two programs have versions of the contract that do not fit. A server that
    comes back with one ends the client with that."""
    return Client(await _contract.connect(name, _SPEC, options))


async def bind(endpoint: _contract.CallableEndpoint) -> Client:
    """Calls the contract on a client or a connection that there is."""
    return Client(await _contract.bind(endpoint, _SPEC))`;
}

function clientMember(named: Named): string {
  const { member } = named;
  if (member.kind === "event") return clientEvent(named as Named<EventModel>);
  return member.kind === "method"
    ? clientMethod(named as Named<MethodModel>)
    : clientStream(named as Named<StreamModel>);
}

function clientMethod({ member, name, variable }: Named<MethodModel>): string {
  const { parameter, argument } = inputOf(member.input);
  const call = `await self._caller.call(${variable}${argument})`;
  const type = member.output === undefined ? "None" : partType(member.output);
  const body =
    member.output === undefined
      ? `        ${call}`
      : `        output: ${type} = ${call}\n        return output`;
  return `
    async def ${name}(self${parameter}) -> ${type}:
        """Calls the method \`\`${member.name}\`\`."""
${body}
`;
}

function clientStream({ member, name, variable }: Named<StreamModel>): string {
  const { parameter, argument } = inputOf(member.input);
  const { output, items } = member;
  const type =
    output !== undefined && items !== undefined
      ? `CalledStream[${partType(output)}, ${partType(items)}]`
      : output !== undefined
        ? `Source[${partType(output)}]`
        : `Sink[${partType(items as Part)}]`;
  return `
    async def ${name}(self${parameter}) -> _contract.${type}:
        """Opens the stream \`\`${member.name}\`\`."""
        return await self._caller.open(${variable}${argument})
`;
}

function clientEvent(named: Named<EventModel>): string {
  const { direction } = named.member;
  const hears = direction === "from-caller" ? "" : hearText(named, "self._caller", "");
  return hears + (direction === "to-caller" ? "" : emitText(named, "self._caller.emit("));
}
