import type { EventModel, MethodModel, Model, StreamModel } from "../model.ts";
import { goText, partType, quoted } from "./declarations.ts";
import { emitText, inputOf, type Named } from "./members.ts";

/** The half of the code that calls the members. */
export function clientText({ name }: Model, members: readonly Named[]): string {
  return `// Client calls the contract ${goText(quoted(name))} at the other end of a connection.
type Client struct {
	caller *contract.Caller
}

// Dial connects to the listener of that name; as sealpipe.Dial. If the two programs have versions of the contract that do not fit,
// it fails with sealpipe.ErrContractMismatch, and if a server comes back with one, the connection ends with that.
func Dial(ctx context.Context, name string, options *sealpipe.Options) (*Client, error) {
	caller, err := contract.Dial(ctx, name, spec, options, nil)
	if err != nil {
		return nil, err
	}
	return &Client{caller}, nil
}

// Bind calls the contract on a connection that there is, which contract.Options was given to.
func Bind(ctx context.Context, conn *sealpipe.Conn) (*Client, error) {
	caller, err := contract.Bind(ctx, conn, spec, nil)
	if err != nil {
		return nil, err
	}
	return &Client{caller}, nil
}

// Conn is the connection.
func (c *Client) Conn() *sealpipe.Conn { return c.caller.Conn() }

// Has reports whether the other end has the member of that name; true also if it does not tell.
func (c *Client) Has(member string) bool { return c.caller.Has(member) }

// Close closes the connection.
func (c *Client) Close() error { return c.caller.Conn().Close() }
${members.map(clientMember).join("")}`;
}

function clientMember({ member, name }: Named): string {
  if (member.kind === "event") return clientEvent(member, name);
  return member.kind === "method" ? clientMethod(member, name) : clientStream(member, name);
}

function clientMethod({ name: own, input, output }: MethodModel, name: string): string {
  const { parameter, argument } = inputOf(input);
  const call = (type: string) => `contract.Call[${type}](ctx, c.caller, member${name}, ${argument})`;
  const head = `\n// ${name} calls the method ${own}.\nfunc (c *Client) ${name}(ctx context.Context${parameter})`;
  if (output === undefined)
    return `${head} error {\n\t_, err := ${call("contract.Nothing")}\n\treturn err\n}\n`;
  const type = partType(output);
  return `${head} (${type}, error) {\n\treturn ${call(type)}\n}\n`;
}

function clientStream({ name: own, input, output, items }: StreamModel, name: string): string {
  const { parameter, argument } = inputOf(input);
  const from = output && partType(output);
  const to = items && partType(items);
  const [type, open] =
    from !== undefined && to !== undefined
      ? [`Stream[${from}, ${to}]`, `OpenBoth[${from}, ${to}]`]
      : from !== undefined
        ? [`Source[${from}]`, `Open[${from}]`]
        : [`Sink[${to}]`, `OpenSink[${to}]`];
  return `
// ${name} opens the stream ${own}.
func (c *Client) ${name}(ctx context.Context${parameter}) (*contract.${type}, error) {
	return contract.${open}(ctx, c.caller, member${name}, ${argument})
}
`;
}

function clientEvent(member: EventModel, name: string): string {
  const hears = member.direction !== "from-caller" ? hearText(member, name) : "";
  return (
    hears + (member.direction !== "to-caller" ? emitText(member, name, "Client", "c.caller.Conn()") : "")
  );
}

function hearText({ name: own, data }: EventModel, name: string): string {
  const listen = data === undefined ? "func()" : `func(${partType(data)})`;
  const given = data === undefined ? "func(contract.Nothing) { listen() }" : "listen";
  return `
// On${name} listens for the event ${own}, and returns what removes the listener.
func (c *Client) On${name}(listen ${listen}) (remove func()) {
	return contract.On(c.caller, member${name}, ${given})
}
`;
}
