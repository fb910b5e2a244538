import type { JetStreamClient, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection as FullConnection } from "@nats-io/transport-node";
import { type SealpipeError, SystemError } from "../../index.ts";
import type { NatsConnection } from "../connection.ts";

export interface JetStream {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** How long JetStream has for one answer, in milliseconds. */
export const answerMs = 3_000;

/** @throws SystemError `ERR_EVENTS_UNAVAILABLE` if the package is not installed. */
export async function jetStreamOf(nats: NatsConnection): Promise<JetStream> {
  const module = await import("@nats-io/jetstream").catch((cause: unknown) => {
    const message = "durable events need the package @nats-io/jetstream";
    throw new SystemError("ERR_EVENTS_UNAVAILABLE", message, { cause });
  });
  const client = module.jetstream(nats as FullConnection, { timeout: answerMs });
  // Whether it is there at all is found out by what is asked of it.
  return { client, manager: await client.jetstreamManager(false) };
}

/** `undefined` if there is no such stream. */
export async function streamInfo(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (apiCode(error) === codes.streamNotFound) return undefined;
    throw error;
  }
}

export const codes = {
  streamNotFound: 10_059,
  nameInUse: 10_058,
  wrongSequence: [10_071, 10_164],
  /** Too few nodes of the cluster are there, or know of each other. */
  noPeers: 10_005,
} as const;

/** JetStream's own number for what is wrong; 0 if it did not answer. */
export function apiCode(error: unknown): number {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === "number" ? code : 0;
}

/**
 * What another try may mend: there is no answer, as while a cluster chooses a leader, or JetStream says that it is unavailable for
 * the moment.
 */
export function isPassing(error: unknown): boolean {
  const { name, status } = Object(error) as { readonly name?: unknown; readonly status?: unknown };
  if (name === "JetStreamApiError") return status === 503 || apiCode(error) === codes.noPeers;
  return name === "TimeoutError" || name === "JetStreamNotEnabled" || isNoResponders(error);
}

function isNoResponders(error: unknown): boolean {
  const { isNoResponders: ask } = Object(error) as { readonly isNoResponders?: () => boolean };
  return ask?.call(error) === true;
}

export function unavailable(what: string, cause: unknown): SealpipeError {
  if (cause instanceof SystemError) return cause;
  const isSilent = isNoResponders(cause) || Object(cause).name === "JetStreamNotEnabled";
  const reason = isSilent ? "JetStream is not enabled, or not there" : (cause as Error).message;
  return new SystemError("ERR_EVENTS_UNAVAILABLE", `${what}: ${reason}`, { cause });
}
