import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { type Client, type ClientOptions, createClient } from "sealpipe";
import { isEvent, startChild } from "../support/children.ts";
import { clientAt, clientOfRaw } from "../support/endpoints.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import {
  closingAt,
  given,
  inOrder,
  never,
  type Outcome,
  type Outcomes,
  outcomes,
  pendingAt,
  plain,
  settle,
  soon,
  withGiven,
} from "../support/pending.ts";
import { noHalfClose, onWindows } from "../support/platform.ts";
import { addressOf, type RawPeer, type RawServer } from "../support/raw-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 60_000;
const retrying = { retryDelayMs: 5, connectTimeoutMs: 1_000 } as const;

interface ClientSituation {
  readonly client: Client;
  /** What there is of the other end. */
  readonly peer?: RawPeer;
  readonly raw?: RawServer;
  readonly child?: LinesProcess;
  readonly abort?: AbortController;
}

interface ClientEnd {
  readonly when: string;
  readonly skip?: string | false;
  arrange(t: TestContext): Promise<ClientSituation>;
  /** What makes it end, where that is not time alone. */
  readonly end?: (situation: ClientSituation) => unknown;
  readonly expected: Outcomes;
}

const connected =
  (options: ClientOptions = {}) =>
  (t: TestContext): Promise<ClientSituation> =>
    clientOfRaw(t, { ...plain, ...retrying, ...options });

async function connecting(t: TestContext, options: ClientOptions = {}): Promise<ClientSituation> {
  const abort = new AbortController();
  const client = createClient(freshName(), { ...plain, signal: abort.signal, ...options });
  t.after(() => client.destroy());
  return { client, abort };
}

async function reconnecting(t: TestContext): Promise<ClientSituation> {
  const situation = await clientOfRaw(t, { ...plain, retryDelayMs: never, maxRetryDelayMs: never });
  const lost = nextEvent(situation.client, "status");
  situation.peer.end();
  await lost;
  assert.equal(situation.client.status, "reconnecting");
  return situation;
}

const connectedToProcess =
  (profile: "classic" | "native") =>
  async (t: TestContext): Promise<ClientSituation> => {
    const name = freshName();
    const child = startChild("unread-peer", "server", name);
    // Killed, it leaves its socket behind.
    t.after(() => rmSync(addressOf(name), { force: true }));
    await child.until(isEvent("listening"));
    return { client: await clientAt(t, name, { ...plain, ...retrying, profile }), child };
  };

const gaveUp = (flush: Outcome) => outcomes("ERR_CONNECT_TIMEOUT", "ERR_CONNECT_TIMEOUT", flush);

const close = ({ client }: ClientSituation): unknown => client.close();
const destroy = ({ client }: ClientSituation): unknown => client.destroy();
const destroyWithError = ({ client }: ClientSituation): unknown => client.destroy(given);

const clientEnds: readonly ClientEnd[] = [
  { when: "it is closed", arrange: connected({ closeTimeoutMs: soon }), end: close, expected: inOrder },
  { when: "it is destroyed", arrange: connected(), end: destroy, expected: inOrder },
  { when: "it is destroyed with an error", arrange: connected(), end: destroyWithError, expected: withGiven },
  { when: "it is closed while connecting", arrange: connecting, end: close, expected: inOrder },
  {
    when: "it is destroyed while connecting",
    arrange: connecting,
    end: destroyWithError,
    expected: withGiven,
  },
  { when: "it is closed while reconnecting", arrange: reconnecting, end: close, expected: inOrder },
  {
    when: "it is destroyed while reconnecting",
    arrange: reconnecting,
    end: destroyWithError,
    expected: withGiven,
  },
  {
    when: "its signal aborts while it connects",
    arrange: connecting,
    end: ({ abort }) => abort?.abort(given),
    expected: withGiven,
  },
  {
    when: "it has never reached a server in time",
    arrange: (t) => connecting(t, { ...retrying, connectTimeoutMs: soon }),
    expected: gaveUp("ERR_CONNECT_TIMEOUT"),
  },
  {
    when: "the server closes and does not come back",
    arrange: connected(),
    async end({ peer, raw }) {
      peer?.end();
      await raw?.[Symbol.asyncDispose]();
    },
    expected: gaveUp("ERR_CONNECTION_LOST"),
  },
  {
    when: "the server half-closes and lingers",
    skip: noHalfClose,
    arrange: connected({ closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.end(),
    expected: gaveUp("ERR_CONNECTION_LOST"),
  },
  {
    when: "the server drops the connection",
    arrange: connected(),
    end: ({ raw }) => raw?.[Symbol.asyncDispose](),
    expected: gaveUp("ERR_CONNECTION_LOST"),
  },
  {
    when: "the server is killed",
    // A frame that is not complete has to be read, and here it is before it can be looked at.
    skip: onWindows && "its process takes all that was to wait",
    arrange: connectedToProcess("classic"),
    end: ({ child }) => child?.kill(),
    expected: gaveUp("ERR_CONNECTION_LOST"),
  },
  {
    when: "a native server is killed",
    skip: onWindows && "its process takes all that was to wait",
    arrange: connectedToProcess("native"),
    end: ({ child }) => child?.kill(),
    // It could have come back, and what was written could have gone on.
    expected: gaveUp("ERR_CONNECT_TIMEOUT"),
  },
  {
    when: "the server sends a bad frame",
    arrange: connected({ closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.send(Uint8Array.of(0, 0, 0, 0)),
    expected: gaveUp("ERR_FRAME_TOO_SHORT"),
  },
  {
    when: "the server does not complete a frame in time",
    arrange: connected({ frameTimeoutMs: 20, closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.send(Uint8Array.of(0, 0)),
    expected: gaveUp("ERR_FRAME_TIMEOUT"),
  },
  {
    when: "the server that comes back speaks another version",
    skip: noHalfClose,
    arrange: connected({ closeTimeoutMs: soon }),
    end({ peer, raw }) {
      peer?.end();
      // One that closes does not come again.
      void raw?.accept().then((next) => next.send(Uint8Array.of(3, 0)));
    },
    expected: outcomes("ERR_VERSION_MISMATCH", "ERR_VERSION_MISMATCH", "ERR_CONNECTION_LOST"),
  },
];

describe("a client", { timeout }, () => {
  for (const { when, skip = false, arrange, end, expected } of clientEnds) {
    test(`settles whatever waits at it when ${when}`, { skip }, async (t) => {
      const situation = await arrange(t);
      await settle(pendingAt(situation.client), end && (() => end(situation)), expected);
      await situation.client.close();

      const closing = await arrange(t);
      // Without a connection nothing holds up a close.
      if (closing.client.status !== "connected") return closing.client.close();
      return settle(closingAt(closing.client), end && (() => end(closing)), expected);
    });
  }
});
