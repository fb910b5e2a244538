import type { MessageContent } from "../../protocol/message.ts";
import type { NativeOpened } from "../../protocol/native/options.ts";
import type { EngineDriver, RequestEvent } from "../driver/engine-driver.ts";
import type { MessageData } from "../messages/message.ts";
import type { RequestOptions } from "../options/options.ts";
import type { HandlingOptions } from "../requests/handled-requests.ts";
import type { Answer, IncomingRequest } from "../requests/request.ts";
import { sessionLost } from "../requests/request-errors.ts";
import { Requests, tellRequests } from "../requests/requests.ts";
import type { Carried, Channel } from "./channel.ts";
import { WriteGate } from "./write-gate.ts";

export interface ExchangeOptions<R extends IncomingRequest> extends HandlingOptions<R> {
  readonly maxQueuedBytes: number;
}

/**
 * What an endpoint says to its peer through a channel, and what either asks the other. Whatever becomes of the channel,
 * each promise that was given for it settles: that there is room, that all has left, that a request is answered.
 */
export class Exchange<R extends IncomingRequest> {
  readonly #channel: Channel;
  readonly #gate: WriteGate;
  readonly #requests: Requests<R>;

  constructor(channel: Channel, options: ExchangeOptions<R>) {
    this.#channel = channel;
    this.#gate = new WriteGate(options.maxQueuedBytes);
    this.#requests = new Requests(channel, options);
  }

  /**
   * Nothing while there is room, else when there will be.
   * @throws PeerError `ERR_QUEUE_FULL`, and as `Engine.send`.
   */
  write(type: number, data: Uint8Array): Promise<void> | undefined {
    this.#gate.checkRoom(this.#channel.queuedMessageBytes);
    this.#channel.send(type, data);
    return this.#gate.roomAt(this.#channel.queuedMessageBytes);
  }

  /** Settles once nothing is queued. */
  flush(): Promise<void> {
    this.#channel.askForAcknowledgement();
    return this.#gate.flushAt(this.#channel.queuedBytes);
  }

  /** Rejects, and never throws, whatever is wrong. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    try {
      // By themselves: messages that nobody reads there must not keep us from asking.
      this.#gate.checkRoom(this.#channel.queuedRequestBytes);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#requests.request(type, data, options);
  }

  /** A request has arrived, or what belongs to one. @throws PeerError for which the session is to be ended. */
  received(event: RequestEvent): void {
    tellRequests(this.#requests, event);
  }

  /** Some of what was queued has left. */
  progressed(): void {
    this.#gate.progressed(this.#channel.queuedMessageBytes, this.#channel.queuedBytes);
    this.#requests.progressed();
  }

  /** Goes on by this connection. What became of what an earlier session had left, where that is another. */
  attach(driver: EngineDriver, native?: NativeOpened): Carried | undefined {
    return this.#settle(this.#channel.attach(driver, native, this.#requests));
  }

  /** The connection is gone. The same of its session, where that is over. */
  detach(as: "resumable" | "over"): Carried | undefined {
    return this.#settle(this.#channel.detach(as, this.#requests));
  }

  /** What was queued will not leave any more; later writes may. */
  lost(error: unknown): void {
    this.#gate.lost(error);
  }

  /** Nothing more will be sent or heard. What was sent and not acknowledged. */
  end(error: unknown): readonly MessageContent[] {
    const unacknowledged = this.#channel.abandon();
    this.#requests.end(error);
    this.#gate.end(error);
    return unacknowledged;
  }

  /** At once, before any listener is called: what that asks is of the next session. */
  #settle(carried: Carried | undefined): Carried | undefined {
    if (carried === undefined) return undefined;
    const { lostMessages, unsentRequests, requestErrors } = carried;
    this.#requests.lost(sessionLost(), unsentRequests);
    for (const [id, error] of requestErrors) this.#requests.unsent(error, [id]);
    if (lostMessages.length > 0) this.#gate.lost(sessionLost());
    return carried;
  }
}
