import { PeerError } from "../../errors.ts";
import { checkMessage, type MessageContent } from "../../protocol/message.ts";
import { OwnRequestIds } from "../../protocol/native/requests/request-ids.ts";
import { frameHeaderBytes } from "../../protocol/native/wire/frame.ts";
import { frameOverheadBytes } from "../../protocol/native/wire/lanes.ts";
import { traceparentBytes } from "../../protocol/native/wire/trace-context.ts";
import type { Leftovers, RequestContent, Session, TraceContext } from "../../protocol/session.ts";

/** The weight of a message, or a request, besides its data: the same as in a lane. */
const messageOverheadBytes = frameHeaderBytes + 4 + frameOverheadBytes;
const requestOverheadBytes = frameHeaderBytes + 8 + frameOverheadBytes;
const contextOverheadBytes = frameHeaderBytes + 4 + traceparentBytes + frameOverheadBytes;

function weightOf({ data, context }: RequestContent): number {
  const contextBytes = context === undefined ? 0 : contextOverheadBytes + (context.tracestate?.length ?? 0);
  return data.length + requestOverheadBytes + contextBytes;
}

/** Messages and requests that are sent while there is no session: they wait here, in order, for the next one. */
export class OfflineQueue implements Session {
  readonly isAcknowledged = true;
  readonly isResumable = false;
  readonly queuedAnswerBytes = 0;
  readonly #maxMessageBytes: number;
  readonly #ids = new OwnRequestIds();
  readonly #messages: MessageContent[] = [];
  readonly #requests = new Map<number, RequestContent>();
  #messageBytes = 0;
  #requestBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  get queuedBytes(): number {
    return this.#messageBytes + this.#requestBytes;
  }

  get queuedMessageBytes(): number {
    return this.#messageBytes;
  }

  get queuedRequestBytes(): number {
    return this.#requestBytes;
  }

  send(type: number, data: Uint8Array): void {
    checkMessage(type, data.length, this.#maxMessageBytes);
    this.#messages.push({ type, data: data.slice() });
    this.#messageBytes += data.length + messageOverheadBytes;
  }

  request(type: number, data: Uint8Array, context?: TraceContext): number {
    checkMessage(type, data.length, this.#maxMessageBytes);
    const id = this.#ids.next();
    const request = { id, type, data: data.slice(), context };
    this.#requests.set(id, request);
    this.#requestBytes += weightOf(request);
    return id;
  }

  cancel(id: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    this.#requests.delete(id);
    this.#requestBytes -= weightOf(request);
  }

  /** It is for a server that is there. @throws PeerError `ERR_NOT_CONNECTED` */
  admin(): never {
    throw new PeerError("ERR_NOT_CONNECTED", "there is no server that could be asked");
  }

  /** There is none before there is a session. @throws PeerError `ERR_NOT_CONNECTED` */
  get streams(): never {
    throw new PeerError("ERR_NOT_CONNECTED", "there is no session that could have a stream");
  }

  abandon(): Leftovers {
    return { unacknowledged: [], unsent: this.#messages, unsentRequests: [...this.#requests.values()] };
  }

  // Nothing has arrived, so there is nothing to answer or to consume.
  answer(): void {}
  fail(): void {}
  consumed(): void {}
  askForAcknowledgement(): void {}
}
