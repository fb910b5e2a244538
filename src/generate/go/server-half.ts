import type { EventModel, Part, StreamModel } from "../model.ts";
import { partType } from "./declarations.ts";
import { emitText, inputOf, type Named } from "./members.ts";

/** The half of the code that implements the members: what a program hands in, and the server that is made of it. */
export function serverText(members: readonly Named[]): string {
  return `${handlersText(members)}\n${callerAndServerText(members)}`;
}

function handlersText(members: readonly Named[]): string {
  const methods = members.flatMap(({ member, name }) => {
    if (member.kind === "event") return [];
    const { parameter } = inputOf(member.input);
    const head = `\t${name}(ctx context.Context, caller *Caller${parameter}`;
    if (member.kind === "stream") return [`${head}, ${streamParameter(member)}) error\n`];
    return [
      member.output === undefined ? `${head}) error\n` : `${head}) (${partType(member.output)}, error)\n`,
    ];
  });
  return `// Handlers do what callers ask for. The context of a call ends when nobody waits for its answer any more.
type Handlers interface {
${methods.join("")}}
`;
}

function streamParameter({ output, items }: StreamModel): string {
  if (output !== undefined && items !== undefined)
    return `stream *contract.Stream[${partType(items)}, ${partType(output)}]`;
  return output !== undefined
    ? `items *contract.Sink[${partType(output)}]`
    : `items *contract.Source[${partType(items as Part)}]`;
}

function callerAndServerText(members: readonly Named[]): string {
  const events = members.filter(
    (named): named is Named & { member: EventModel } => named.member.kind === "event",
  );
  const sent = events.filter(({ member }) => member.direction !== "from-caller");
  const heard = events.filter(({ member }) => member.direction !== "to-caller");
  return `// Caller is one that calls, from the implementer's side.
type Caller struct {
	conn *sealpipe.Conn
}

// Conn is what it is connected by.
func (c *Caller) Conn() *sealpipe.Conn { return c.conn }
${sent.map(({ member, name }) => emitText(member, name, "Caller", "c.conn")).join("")}
// Server implements the contract: for all clients of a listener, or at one connection.
type Server struct {
	implementation *contract.Implementation
}

// Serve listens with that name, as sealpipe.Listen, and implements the contract for all clients.
func Serve(name string, handlers Handlers, options *sealpipe.Options) (*Server, error) {
	var server *Server
	prepare := func(i *contract.Implementation) { server = handle(i, handlers) }
	if _, err := contract.Serve(name, spec, options, nil, prepare); err != nil {
		return nil, err
	}
	return server, nil
}

// Implement implements the contract on a listener, or at a connection, which contract.Options was given to. On a listener, call
// Attend for each connection that it accepts.
func Implement(endpoint contract.Endpoint, handlers Handlers) (*Server, error) {
	implementation, err := contract.Implement(endpoint, spec, nil)
	if err != nil {
		return nil, err
	}
	return handle(implementation, handlers), nil
}

func handle(i *contract.Implementation, handlers Handlers) *Server {
${members.flatMap(handleText).join("")}	return &Server{i}
}

// Endpoint is the *sealpipe.Listener or the *sealpipe.Conn.
func (s *Server) Endpoint() contract.Endpoint { return s.implementation.Endpoint() }

// Attend hears a client's events until its connection is over or the context ends: what Serve of a listener takes.
func (s *Server) Attend(ctx context.Context, conn *sealpipe.Conn) { s.implementation.Attend(ctx, conn) }

// Close closes the listener or the connection.
func (s *Server) Close() error { return s.implementation.Close() }
${sent.map(({ member, name }) => emitText(member, name, "Server", "s.implementation")).join("")}${heard.map(({ member, name }) => serverHears(member, name)).join("")}`;
}

function serverHears({ name: own, data }: EventModel, name: string): string {
  const type = data === undefined ? "contract.Nothing" : partType(data);
  const listen = data === undefined ? "func(caller *Caller)" : `func(caller *Caller, data ${type})`;
  const parameter = data === undefined ? "_ contract.Nothing" : `data ${type}`;
  const given = data === undefined ? "&Caller{conn}" : "&Caller{conn}, data";
  return `
// On${name} listens for the event ${own} from callers, and returns what removes the listener.
func (s *Server) On${name}(listen ${listen}) (remove func()) {
	return contract.OnFrom(s.implementation, member${name}, func(conn *sealpipe.Conn, ${parameter}) { listen(${given}) })
}
`;
}

function handleText({ member, name }: Named): string[] {
  if (member.kind === "event") return [];
  const type = member.input === undefined ? "contract.Nothing" : partType(member.input);
  const parameter = member.input === undefined ? `_ ${type}` : `input ${type}`;
  const given = member.input === undefined ? "ctx, &Caller{conn}" : "ctx, &Caller{conn}, input";
  const head = `func(ctx context.Context, conn *sealpipe.Conn, ${parameter}`;
  if (member.kind === "stream") {
    const { output, items } = member;
    const does = output === undefined ? "HandleSink" : items === undefined ? "HandleSource" : "HandleBoth";
    const own = streamParameter(member);
    return [
      `	contract.${does}(i, member${name}, ${head}, ${own}) error {
		return handlers.${name}(${given}, ${own.split(" ")[0]})
	})
`,
    ];
  }
  if (member.output === undefined)
    return [
      `	contract.HandleMethod(i, member${name}, ${head}) (contract.Nothing, error) {
		return contract.Nothing{}, handlers.${name}(${given})
	})
`,
    ];
  return [
    `	contract.HandleMethod(i, member${name}, ${head}) (${partType(member.output)}, error) {
		return handlers.${name}(${given})
	})
`,
  ];
}
