import type { EventModel } from "../model.ts";
import { partType } from "./declarations.ts";
import { emitText, hearText, type Named } from "./members.ts";

/** The half of the code that implements the members. */
export function serverTexts(members: readonly Named[]): string[] {
  return [callerText(members), handlersText(members), serverText(members)];
}

function eventsOf(members: readonly Named[], way: "to-caller" | "from-caller"): Named<EventModel>[] {
  return members.filter((named): named is Named<EventModel> => {
    const { member } = named;
    return member.kind === "event" && (member.direction === way || member.direction === "both");
  });
}

function callerText(members: readonly Named[]): string {
  const sent = eventsOf(members, "to-caller").map((named) =>
    emitText(named, "_contract.emit(self.endpoint, "),
  );
  return `class Caller:
    """One that calls, from the implementer's side."""

    def __init__(self, endpoint: _contract.CallableEndpoint) -> None:
        self.endpoint = endpoint
        """What it is connected by."""
${sent.join("")}`;
}

function handlersText(members: readonly Named[]): string {
  const functions = members.flatMap(({ member, name }) => {
    if (member.kind === "event") return [];
    const { input } = member;
    const given = input === undefined ? "" : `, input: ${partType(input)}`;
    if (member.kind === "method") {
      const type = member.output === undefined ? "None" : partType(member.output);
      return [`\n    async def ${name}(self${given}, caller: Caller) -> ${type}: ...\n`];
    }
    const items = member.items === undefined ? "" : `, items: AsyncIterator[${partType(member.items)}]`;
    const head = `${name}(self${given}, caller: Caller${items})`;
    return member.output === undefined
      ? [`\n    async def ${head} -> None: ...\n`]
      : [`\n    def ${head} -> AsyncIterator[${partType(member.output)}]: ...\n`];
  });
  return `class Handlers(Protocol):
    """What callers ask for. A stream whose items go to the caller is an async generator."""
${functions.join("")}`;
}

function serverText(members: readonly Named[]): string {
  const sent = eventsOf(members, "to-caller").map((named) => emitText(named, "self._implementer.emit("));
  const heard = eventsOf(members, "from-caller").map((named) =>
    hearText(named, "self._implementer", "Caller"),
  );
  return `class Server:
    """Implements the contract: for all clients of a server, or at one connection or client. \`\`serve\`\` and \`\`implement\`\` make
    one."""

    def __init__(self, implementer: _contract.Implementer) -> None:
        self._implementer = implementer

    @property
    def endpoint(self) -> _contract.Endpoint:
        return self._implementer.endpoint

    async def close(self) -> None:
        """Closes the server or the connection."""
        await self._implementer.endpoint.close()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
${sent.join("")}${heard.join("")}

async def serve(name: str, handlers: Handlers, **options: Unpack[_aio.ServerOptions]) -> Server:
    """Starts a server with that name, as \`\`sealpipe.aio.serve\`\`, that implements the contract for all clients."""
    return Server(await _contract.serve(name, _SPEC, _contract.Handling(handlers, _NAMES, Caller), options))


def implement(endpoint: _contract.Endpoint, handlers: Handlers) -> Server:
    """Implements the contract on a server, a connection or a client that there is."""
    return Server(_contract.Implementer(endpoint, _SPEC, _contract.Handling(handlers, _NAMES, Caller)))`;
}
