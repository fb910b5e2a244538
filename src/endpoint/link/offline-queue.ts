import { checkMessage, type MessageContent } from "../../protocol/message.ts";
import { frameOverheadBytes } from "../../protocol/native/lanes/send-lane.ts";
import { OwnRequestIds } from "../../protocol/native/requests/request-ids.ts";
import { frameHeaderBytes } from "../../protocol/native/wire/frame.ts";
import type { Leftovers, RequestContent, Session } from "../../protocol/session.ts";

/** What a message, or a request, weighs besides its data: as much as in a lane. */
const messageOverheadBytes = frameHeaderBytes + 4 + frameOverheadBytes;
const requestOverheadBytes = frameHeaderBytes + 8 + frameOverheadBytes;

/** What an end says while it has no session: messages and requests, in order, for the next one. */
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

  request(type: number, data: Uint8Array): number {
    checkMessage(type, data.length, this.#maxMessageBytes);
    const id = this.#ids.next();
    this.#requests.set(id, { id, type, data: data.slice() });
    this.#requestBytes += data.length + requestOverheadBytes;
    return id;
  }

  cancel(id: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    this.#requests.delete(id);
    this.#requestBytes -= request.data.length + requestOverheadBytes;
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
