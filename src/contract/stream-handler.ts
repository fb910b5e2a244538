import type { Stream } from "../index.ts";
import { decode } from "./data.ts";
import { answerOf, CallContext, failureOf, type Handling, type Misfit, refusalOf } from "./handler.ts";
import type { StreamMember } from "./members.ts";

/** What the core calls with the streams of that member. What it throws resets the stream. */
export function streamHandler(handling: Handling<StreamMember>): (stream: Stream) => Promise<void> {
  const { about, member } = handling;
  return async (stream) => {
    const { connection, order } = handling.peerOf(stream);
    // What takes its time of a stream is nothing that the next call waits for.
    await order.run(decode(about.codec, member.input, stream.data), (validation) => {
      if (!validation.fits) throw refusalOf(handling, stream, validation);
      return run(handling, new StreamContext(stream, handling, connection), validation.value);
    });
  };
}

/** What a stream's handler is given besides its input. */
class StreamContext extends CallContext {
  readonly stream: Stream;
  readonly #handling: Handling<StreamMember>;

  constructor(stream: Stream, handling: Handling<StreamMember>, connection: unknown) {
    super(stream, handling, connection);
    this.stream = stream;
    this.#handling = handling;
  }

  /** The items from the caller, each of which fits. */
  get items(): AsyncGenerator<unknown, void> {
    return itemsOf(this.stream, this.#handling);
  }
}

async function* itemsOf(stream: Stream, handling: Handling<StreamMember>): AsyncGenerator<unknown, void> {
  const { about, member } = handling;
  for await (const { data } of stream) {
    const decoded = decode(about.codec, member.items, data);
    const validation = decoded instanceof Promise ? await decoded : decoded;
    if (!validation.fits) throw refused(stream, handling, validation);
    yield validation.value;
  }
}

/** At once, whatever the handler does with the error. */
function refused(stream: Stream, handling: Handling<StreamMember>, misfit: Misfit): unknown {
  const failure = refusalOf(handling, stream, { ...misfit, what: "an item" });
  stream.reset(failure);
  return failure;
}

async function run(handling: Handling<StreamMember>, context: StreamContext, input: unknown): Promise<void> {
  try {
    const given = await handling.handle(input, context);
    if (handling.member.output === undefined) return;
    for await (const item of iterable(given)) {
      const { stream } = context;
      await stream.write(await answerOf(handling, stream, item));
    }
  } catch (thrown) {
    throw failureOf(handling, thrown);
  }
}

function iterable(given: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(given);
  if (typeof asynchronous === "function" || typeof synchronous === "function")
    return given as Iterable<unknown>;
  throw new TypeError("the handler of a stream with output did not return an iterable");
}
