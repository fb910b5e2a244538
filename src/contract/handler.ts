import type { IncomingRequest, MessageData, Stream, TraceContext } from "../index.ts";
import type { Codec } from "./codec.ts";
import type { ContractInfo } from "./contract.ts";
import { ContractError } from "./contract-error.ts";
import { decode, encode } from "./data.ts";
import type { InOrder } from "./in-order.ts";
import { invalid, type Method, type StreamMember } from "./members.ts";
import { type Issue, issueOf, issuesText, isThenable, type Validation, validate } from "./validation.ts";

/** What calls a member: a request, or a stream. */
export type Called = IncomingRequest | Stream;

/** A method or a stream of a contract, and the function that does it. */
export interface Handling<M extends Method | StreamMember = Method | StreamMember> {
  readonly about: ContractInfo;
  readonly name: string;
  readonly member: M;
  handle(input: unknown, context: CallContext): unknown;
  /** What the handler is given as its caller. */
  peerOf(called: Called): { readonly connection: unknown; readonly order: InOrder };
  /** A mistake of this program's, which its peer is told nothing of. */
  tellBug(called: Called, error: ContractError): void;
}

/** What a handler is given besides its input. */
export class CallContext {
  /** Who called. */
  readonly connection: unknown;
  readonly #request: Called;
  readonly #handling: Handling;

  constructor(request: Called, handling: Handling, connection: unknown) {
    this.#request = request;
    this.#handling = handling;
    this.connection = connection;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get context(): TraceContext | undefined {
    return this.#request.context;
  }

  /** Without the context as its `this`, as it is taken out of it. */
  get fail(): (code: string, data?: unknown, message?: string) => never {
    const { name, member } = this.#handling;
    return (code, data, message = `"${name}" failed with ${code}`) => {
      if (!Object.hasOwn(member.errors, code)) throw invalid(`"${name}" has no error "${code}"`);
      throw new ContractError({ member, code, data }, message);
    };
  }
}

/** What the core calls with the requests of that method. */
export function requestHandler(
  handling: Handling<Method>,
): (request: IncomingRequest) => MessageData | Promise<MessageData> {
  const { codec } = handling.about;
  const { input } = handling.member;
  return (request) => {
    const { connection, order } = handling.peerOf(request);
    return order.run(decode(codec, input, request.data), (validation) => {
      if (!validation.fits) throw refusalOf(handling, request, validation);
      return call(handling, request, new CallContext(request, handling, connection), validation.value);
    });
  };
}

function call(
  handling: Handling<Method>,
  request: IncomingRequest,
  context: CallContext,
  input: unknown,
): MessageData | Promise<MessageData> {
  try {
    const output = handling.handle(input, context);
    if (!isThenable(output)) return answerOf(handling, request, output);
    return Promise.resolve(output).then(
      (settled) => answerOf(handling, request, settled),
      (thrown) => {
        throw failureOf(handling, thrown);
      },
    );
  } catch (thrown) {
    throw failureOf(handling, thrown);
  }
}

/** What a handler gave, a method's answer or an item of a stream, as it is sent. Throws if it does not fit. */
export function answerOf(
  handling: Handling,
  called: Called,
  output: unknown,
): MessageData | Promise<MessageData> {
  const { output: schema } = handling.member;
  if (schema === undefined) return "";
  const validation = validate(schema, output);
  const checked = (settled: Validation): MessageData => {
    if (!settled.fits) throw badOutput(handling, called, settled);
    return encoded(handling, called, output);
  };
  return validation instanceof Promise ? validation.then(checked) : checked(validation);
}

function encoded(handling: Handling, called: Called, output: unknown): MessageData {
  const { about, name, member } = handling;
  try {
    return encode(about.codec, { schema: member.output, what: `the output of "${name}"` }, output);
  } catch (error) {
    throw badOutput(handling, called, { fits: false, issues: [issueOf((error as Error).message)] });
  }
}

/** As the core sends it to the peer. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly data?: Uint8Array;
}

export type Misfit = Extract<Validation, { fits: false }>;

/** `what` of the member it was that does not fit. */
export function refusalOf(
  handling: Handling,
  called: Called,
  { issues, bug, what = "the input" }: Misfit & { readonly what?: string },
): Failure {
  const { name, member } = handling;
  const code = "ERR_INVALID_INPUT";
  const message = `${what} of "${name}" does not fit: ${issuesText(issues)}`;
  if (bug !== undefined) {
    const about = { member, code, data: issues };
    handling.tellBug(called, new ContractError(about, message, { cause: bug.thrown }));
  }
  return { code, message, data: issuesData(handling.about.codec, issues) };
}

/** The core takes this much with a failure; one issue always fits. */
const maxDataBytes = 65_536;

function issuesData(codec: Codec, issues: readonly Issue[]): Uint8Array {
  const data = bytesOf(codec.encode(issues));
  if (data.length <= maxDataBytes || issues.length <= 1) return data;
  return issuesData(codec, issues.slice(0, issues.length / 2));
}

/** It is told here; the peer hears no more of it than that. */
function badOutput(handling: Handling, called: Called, { issues, bug }: Misfit): Failure {
  const { name, member } = handling;
  const code = "ERR_INVALID_OUTPUT";
  const message = `what the handler of "${name}" returned does not fit: ${issuesText(issues)}`;
  const about = { member, code, data: issues };
  handling.tellBug(called, new ContractError(about, message, bug && { cause: bug.thrown }));
  return { code, message: `the answer to "${name}" did not fit the contract` };
}

/** What the core makes of it has the code and the message of what was thrown. */
export function failureOf({ about, name, member }: Handling, thrown: unknown): unknown {
  if (!(thrown instanceof ContractError)) return thrown;
  const { code, message, stack, data } = thrown;
  // Of another method, which this one has called: its codes mean nothing here.
  if (!thrown.isOf(member)) return Object.assign(new Error(message, { cause: thrown }), { stack });
  const schema = member.errors[code] ?? undefined;
  if (schema === undefined) return { code, message, stack };
  const failure: Failure = {
    code,
    message,
    stack,
    data: bytesOf(encode(about.codec, { schema, what: `the data of "${name}"'s ${code}` }, data)),
  };
  return failure;
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
