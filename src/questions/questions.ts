import { clearTimeout, setTimeout } from "node:timers";
import {
  CallerError,
  type Client,
  type Connection,
  type Message,
  PeerError,
  RemoteError,
  type Status,
} from "../index.ts";
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeFailure,
  encodeQuestion,
  type Failure,
  isFailureCode,
  type ReceivedQuestion,
  unknownFailure,
} from "./wire.ts";

/** Answers a question: what it returns, or resolves with, is the answer, as JSON. */
export type QuestionHandler = (body: unknown) => unknown;

export interface QuestionsOptions {
  /** The type of the messages that are questions, both ways. Default 1. */
  readonly questionType?: number | undefined;
  /** The type of the messages that are answers, both ways. Default 2. */
  readonly answerType?: number | undefined;
  /** How long a question waits for its answer, in milliseconds. 0 is for ever. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Max number of the other end's questions that are answered at a time; further ones fail with `ERR_QUEUE_FULL`.
   * Default 256.
   */
  readonly maxConcurrent?: number | undefined;
  /** Answers the other end's questions. Without it they fail with `ERR_NO_HANDLER`. */
  readonly handler?: QuestionHandler | undefined;
}

export interface AskOptions {
  /** Overrides the `timeoutMs` of all questions. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait, with the signal's reason. The other end does not notice: golang-ipc's wire has no cancel. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  /** Whether it has been written to a connection that may break: otherwise it waits for one. */
  isSent: boolean;
  resolve(body: unknown): void;
  reject(error: unknown): void;
}

/** The longest time that Node's timers allow. */
const maxTimeoutMs = 2_147_483_647;
const maxType = 4_294_967_295;

/**
 * Questions and answers over messages, for a golang-ipc program at the other end, which has no requests: each
 * question is sent with an id, and the answer comes back with it. The Go half is in `examples/golang-ipc-questions`.
 * Both ends may ask. Between two sealpipe ends use `request` and `handle` instead.
 *
 * A question always settles: with the answer, with the failure of the other end's handler, when its time is over, or
 * when the connection on which it was sent is lost. A question that is asked while there is no connection waits for
 * the next.
 *
 * Create only one for each end: two would answer each question twice. It listens for messages. To receive messages of
 * other types use a `message` listener, not `read`, which would also consume questions and answers.
 *
 * @throws CallerError `ERR_INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 * import { Questions } from "sealpipe/questions";
 *
 * await using server = await startServer("my-app");
 * server.on("connection", (connection) => {
 *   new Questions(connection, { handler: (body) => Number(body) * 2 });
 * });
 *
 * await using client = await startClient("my-app");
 * const questions = new Questions(client, { timeoutMs: 1000 });
 * console.log(await questions.ask(21)); // 42
 * ```
 */
export class Questions {
  readonly #end: Client | Connection;
  readonly #options: { readonly [K in keyof Required<QuestionsOptions>]: NonNullable<QuestionsOptions[K]> };
  readonly #waiting = new Map<string, Waiting>();
  /**
   * Unique to this object: a golang-ipc server writes to the client that is connected by then, so a late answer to
   * another process's question may arrive here.
   */
  readonly #prefix = `${randomText()}-`;
  #lastId = 0;
  #running = 0;

  constructor(end: Client | Connection, options: QuestionsOptions = {}) {
    this.#end = end;
    this.#options = parseOptions(options);
    // The common part of both kinds of end.
    const events = end as Client;
    events.on("message", (message) => this.#received(message));
    events.on("status", (status) => this.#statusChanged(status));
    events.on("session-lost", () => this.#rejectSent());
  }

  /** Questions that wait for their answers. */
  get pending(): number {
    return this.#waiting.size;
  }

  /**
   * Asks the other end a question. Always settles.
   *
   * @param body Anything that JSON can hold; `undefined` goes as `null`.
   * @returns The other end's answer, which may be anything: check it.
   * @throws RemoteError the failure of the other end's handler. PeerError `ERR_REQUEST_TIMEOUT`,
   * `ERR_CONNECTION_LOST`, and
   *   as `write`. CallerError `ERR_CLOSED`, and as `write`. TypeError if JSON cannot hold `body`. Or the signal's reason.
   */
  async ask(body: unknown, options: AskOptions = {}): Promise<unknown> {
    const { signal } = options;
    const timeoutMs = checkNumber("timeoutMs", options.timeoutMs ?? this.#options.timeoutMs, 0, maxTimeoutMs);
    signal?.throwIfAborted();
    this.#lastId += 1;
    const id = `${this.#prefix}${this.#lastId}`;
    const text = encodeQuestion(id, body);
    let timer: NodeJS.Timeout | undefined;
    let abort = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        const waiting = { isSent: this.#end.status === "connected", resolve, reject };
        this.#waiting.set(id, waiting);
        abort = () => reject(signal?.reason);
        signal?.addEventListener("abort", abort);
        if (timeoutMs > 0) timer = setTimeout(() => reject(late(timeoutMs)), timeoutMs);
        this.#end.write(this.#options.questionType, text);
        // A connection of a server drops what is written to a client that has left.
        if (this.#end.status === "disconnected" || this.#end.status === "error") reject(lost());
      });
    } finally {
      this.#waiting.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #received({ type, text }: Message): void {
    if (type === this.#options.answerType) this.#answered(text);
    else if (type === this.#options.questionType) void this.#asked(text);
  }

  /** An answer that nobody waits for is late, or a repetition. */
  #answered(text: string): void {
    const answer = decodeAnswer(text);
    const waiting = answer && this.#waiting.get(answer.id);
    if (answer === undefined || waiting === undefined) return;
    if (answer.failure === undefined) waiting.resolve(answer.body);
    else waiting.reject(new RemoteError(answer.failure.code, answer.failure.message));
  }

  async #asked(text: string): Promise<void> {
    const question = decodeQuestion(text);
    if (question === undefined) return;
    if (this.#running >= this.#options.maxConcurrent) {
      const message = `${this.#running} questions are being answered already`;
      this.#say(encodeFailure(question.id, { code: "ERR_QUEUE_FULL", message }));
      return;
    }
    this.#running += 1;
    this.#answer(question.id, await this.#handle(question));
    this.#running -= 1;
  }

  /** What to say to it. */
  async #handle({ id, body }: ReceivedQuestion): Promise<string> {
    try {
      return encodeAnswer(id, await this.#options.handler(body));
    } catch (error) {
      return encodeFailure(id, failureOf(error));
    }
  }

  #answer(id: string, text: string): void {
    const error = this.#say(text);
    // Otherwise the other end would wait in vain.
    if (error !== undefined) this.#say(encodeFailure(id, failureOf(error)));
  }

  /** Why it could not be said, if another word may do. */
  #say(text: string): unknown {
    try {
      this.#end.write(this.#options.answerType, text);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  #statusChanged(status: Status): void {
    switch (status) {
      case "connected":
        // Everything that waited for a connection has been sent by now.
        for (const waiting of this.#waiting.values()) waiting.isSent = true;
        return;
      case "reconnecting":
        // A native session goes on, or its loss is reported.
        if (this.#end.profile === "classic") this.#rejectSent();
        return;
      case "closing":
      case "closed":
        this.#rejectAll(closed());
        return;
      default:
        this.#rejectAll(lost());
    }
  }

  #rejectSent(): void {
    for (const waiting of this.#waiting.values()) if (waiting.isSent) waiting.reject(lost());
  }

  #rejectAll(error: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}

function parseOptions(options: QuestionsOptions): {
  readonly [K in keyof Required<QuestionsOptions>]: NonNullable<QuestionsOptions[K]>;
} {
  const { questionType = 1, answerType = 2, timeoutMs = 30_000, maxConcurrent = 256 } = options;
  checkNumber("questionType", questionType, 1, maxType);
  checkNumber("answerType", answerType, 1, maxType);
  checkNumber("timeoutMs", timeoutMs, 0, maxTimeoutMs);
  checkNumber("maxConcurrent", maxConcurrent, 1, Number.MAX_SAFE_INTEGER);
  if (questionType === answerType)
    throw invalid("answerType", `different from questionType (${questionType})`);
  const { handler = noHandler } = options;
  if (typeof handler !== "function") throw invalid("handler", "a function");
  return { questionType, answerType, timeoutMs, maxConcurrent, handler };
}

function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(name, `an integer from ${min} to ${max}`);
}

function invalid(name: string, wanted: string): CallerError {
  return new CallerError("ERR_INVALID_OPTION", `the option ${name} has to be ${wanted}`);
}

function noHandler(): never {
  throw new PeerError("ERR_NO_HANDLER", "this end answers no questions");
}

/** What the other end gets of an error: its code and message, without the stack. */
function failureOf(error: unknown): Failure {
  const { code, message } = (Object(error) ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: isFailureCode(code) ? code : unknownFailure,
    message: typeof message === "string" ? message : "the handler threw something else than an error",
  };
}

function late(timeoutMs: number): PeerError {
  return new PeerError("ERR_REQUEST_TIMEOUT", `the question was not answered within ${timeoutMs} ms`);
}

function lost(): PeerError {
  return new PeerError(
    "ERR_CONNECTION_LOST",
    "the connection was lost before there was an answer, so whether the question was handled cannot be told",
  );
}

function closed(): CallerError {
  return new CallerError("ERR_CLOSED", "it is closed: there will be no answer");
}

/** Eleven letters and digits, practically never the same twice. */
function randomText(): string {
  return Math.random().toString(36).slice(2, 13).padEnd(11, "0");
}
