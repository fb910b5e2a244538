import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Connection, Server } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { startChild } from "../support/children.ts";
import { freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import {
  closingAt,
  given,
  inOrder,
  large,
  never,
  type Outcomes,
  outcomes,
  pendingAt,
  pendingAtServer,
  plain,
  settle,
  soon,
  withGiven,
} from "../support/pending.ts";
import { noHalfClose, onWindows } from "../support/platform.ts";
import type { RawPeer } from "../support/raw-peer.ts";
import { isSettled, nextEvent } from "../support/waiting.ts";

const timeout = 60_000;

interface ConnectionSituation {
  readonly server: Server;
  readonly connection: Connection;
  readonly peer?: RawPeer;
  readonly child?: LinesProcess;
}

interface ConnectionEnd {
  readonly when: string;
  readonly skip?: string | false;
  arrange(t: TestContext): Promise<ConnectionSituation>;
  end(situation: ConnectionSituation): unknown;
  readonly expected: Outcomes;
}

const opened =
  (options: { readonly closeTimeoutMs?: number; readonly frameTimeoutMs?: number } = {}) =>
  async (t: TestContext): Promise<ConnectionSituation> => {
    const server = await freshServer(t, { ...plain, ...options });
    return { server, ...(await rawClientOf(t, server)) };
  };

async function openedByProcess(t: TestContext): Promise<ConnectionSituation> {
  const server = await freshServer(t, plain);
  const accepted = nextEvent<[Connection]>(server, "connection");
  const child = startChild("unread-peer", "client", server.name);
  const [connection] = await accepted;
  return { server, connection, child };
}

const lost = outcomes("ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST");

const connectionEnds: readonly ConnectionEnd[] = [
  {
    when: "it is closed",
    arrange: opened({ closeTimeoutMs: soon }),
    end: ({ connection }) => connection.close(),
    expected: outcomes("ERR_CLOSED", "resolves", "ERR_CLOSE_TIMEOUT"),
  },
  {
    when: "it is destroyed",
    arrange: opened(),
    end: ({ connection }) => connection.destroy(),
    expected: inOrder,
  },
  {
    when: "it is destroyed with an error",
    arrange: opened(),
    end: ({ connection }) => connection.destroy(given),
    expected: withGiven,
  },
  {
    when: "its server is closed",
    arrange: opened({ closeTimeoutMs: soon }),
    end: ({ server }) => server.close(),
    expected: outcomes("ERR_CLOSED", "resolves", "ERR_CLOSE_TIMEOUT"),
  },
  {
    when: "its server is destroyed",
    arrange: opened(),
    end: ({ server }) => server.destroy(given),
    expected: withGiven,
  },
  {
    when: "the client half-closes and lingers",
    skip: noHalfClose,
    arrange: opened({ closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.end(),
    expected: inOrder,
  },
  {
    when: "the client drops the connection",
    arrange: opened(),
    end: ({ peer }) => peer?.destroy(),
    expected: lost,
  },
  {
    when: "the client is killed",
    skip: onWindows && "its process takes all that was to wait",
    arrange: openedByProcess,
    end: ({ child }) => child?.kill(),
    expected: lost,
  },
  {
    when: "the client sends a bad frame",
    arrange: opened({ closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.send(Uint8Array.of(0, 0, 0, 0)),
    expected: outcomes("ERR_FRAME_TOO_SHORT", "ERR_FRAME_TOO_SHORT", "ERR_FRAME_TOO_SHORT"),
  },
  {
    when: "the client does not complete a frame in time",
    arrange: opened({ frameTimeoutMs: 20, closeTimeoutMs: soon }),
    end: ({ peer }) => peer?.send(plainWire.message(1, pattern(10)).subarray(0, 9)),
    expected: outcomes("ERR_FRAME_TIMEOUT", "ERR_FRAME_TIMEOUT", "ERR_FRAME_TIMEOUT"),
  },
];

describe("a connection of a server", { timeout }, () => {
  for (const { when, skip = false, arrange, end, expected } of connectionEnds) {
    test(`settles whatever waits at it when ${when}`, { skip }, async (t) => {
      const situation = await arrange(t);
      await settle(pendingAt(situation.connection), () => end(situation), expected);

      const closing = await arrange(t);
      await settle(closingAt(closing.connection), () => end(closing), expected);
    });
  }
});

const serverEnds = [
  { when: "it is closed", closeTimeoutMs: soon, end: (server: Server) => server.close(), expected: inOrder },
  {
    when: "it is destroyed",
    closeTimeoutMs: never,
    end: (server: Server) => server.destroy(),
    expected: inOrder,
  },
  {
    when: "it is destroyed with an error",
    closeTimeoutMs: never,
    end: (server: Server) => server.destroy(given),
    expected: withGiven,
  },
] as const;

describe("a server", { timeout }, () => {
  for (const { when, closeTimeoutMs, end, expected } of serverEnds) {
    test(`settles whatever waits at the server when ${when}`, async (t) => {
      const { server } = await opened({ closeTimeoutMs })(t);
      await settle(pendingAtServer(server), () => end(server), expected);

      const { server: closing } = await opened({ closeTimeoutMs })(t);
      void closing.broadcast(1, large);
      await settle({ "close()": closing.close() }, () => end(closing), expected);
    });
  }

  for (const [when, leave, skip] of [
    ["leaves in order", (peer: RawPeer) => peer.end(), noHalfClose],
    ["drops its connection", (peer: RawPeer) => peer.destroy(), false],
  ] as const) {
    test(`settles a broadcast, and not who waits for a message, when its only client ${when}`, {
      skip,
    }, async (t) => {
      const { server, peer } = (await opened({ closeTimeoutMs: soon })(t)) as {
        server: Server;
        peer: RawPeer;
      };
      const reading = server.read();
      const broadcast = server.broadcast(1, large);
      leave(peer);
      await broadcast;
      assert.equal(await isSettled(reading), false);
      server.destroy();
      await assert.rejects(reading, { code: "ERR_CLOSED" });
    });
  }
});
