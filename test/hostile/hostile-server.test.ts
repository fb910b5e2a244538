import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type Client, type ClientOptions, createClient, type PeerError } from "sealpipe";
import { concat, flipBit, pattern, uint32 } from "../support/bytes.ts";
import { clientAt, freshServer, rawServer } from "../support/endpoints.ts";
import { plainWire, type SealedWire, serverPublicKey } from "../support/hand-made-peer.ts";
import { HealthyClient } from "../support/healthy-client.ts";
import { invalidPublicKeys } from "../support/public-keys.ts";
import { encryptedHello, plainHello, type RawPeer, type RawServer } from "../support/raw-peer.ts";
import { agreeAsServer, openWireAsServer, sealedWireAsServer } from "../support/sealed-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 120_000;
const maxMessageBytes = 1_000;

/** A server that means harm, and how our clients fare with it. */
class HostileServer {
  readonly #test: TestContext;
  readonly #name: string;
  readonly #raw: RawServer;

  constructor(t: TestContext, name: string, raw: RawServer) {
    this.#test = t;
    this.#name = name;
    this.#raw = raw;
  }

  /** A client that does not wait, and the server's end of its first try. */
  async meet(options: ClientOptions = {}): Promise<{ client: Client; peer: RawPeer }> {
    const client = createClient(this.#name, {
      retryDelayMs: 1,
      maxRetryDelayMs: 2,
      maxMessageBytes,
      ...options,
    });
    this.#test.after(() => client.destroy());
    return { client, peer: await this.#raw.accept() };
  }

  /** The client's next try. */
  next(): Promise<RawPeer> {
    return this.#raw.accept();
  }

  /** Meets a client, does it harm, and gives the code that it tells. */
  async harm(act: (peer: RawPeer) => unknown, options: ClientOptions = {}): Promise<string> {
    const { client, peer } = await this.meet(options);
    const failed = nextEvent<[PeerError]>(client, "error");
    await act(peer);
    const [error] = await failed;
    assert.equal(error.fault, "peer");
    client.destroy();
    await client.close();
    peer.destroy();
    return error.code;
  }
}

/** The same process has a client of a good server, which must notice nothing. */
async function besideHealthy(t: TestContext, act: (server: HostileServer) => Promise<void>): Promise<void> {
  const good = await freshServer(t);
  good.on("message", ({ type, data, connection }) => connection.write(type, data));
  const healthy = await HealthyClient.start(t, good.name, { encryption: true });
  const { name, raw } = await rawServer(t);
  await healthy.goOn(1);
  await act(new HostileServer(t, name, raw));
  await healthy.goOn(20);
  t.diagnostic(`${healthy.roundTrips} undisturbed round trips beside it`);
  await healthy.stop();
}

describe("a client, beside one of a good server,", { timeout }, () => {
  test("refuses each other version, and says so to the server", (t) =>
    besideHealthy(t, async (server) => {
      for (let version = 0; version < 256; version++) {
        if (version === 2) continue;
        const code = await server.harm(async (peer) => {
          peer.send(Uint8Array.of(version, 1));
          assert.deepEqual(await peer.receiveToEnd(), Uint8Array.of(1));
        });
        assert.equal(code, "ERR_VERSION_MISMATCH", `version ${version}`);
      }
    }));

  test("refuses each encryption byte that has no meaning, and says so to the server", (t) =>
    besideHealthy(t, async (server) => {
      for (let encryption = 2; encryption < 256; encryption++) {
        const code = await server.harm(async (peer) => {
          peer.send(Uint8Array.of(2, encryption));
          assert.deepEqual(await peer.receiveToEnd(), Uint8Array.of(3));
        });
        assert.equal(code, "ERR_HANDSHAKE_INVALID", `encryption ${encryption}`);
      }
    }));

  test("that insists on encryption never speaks without", (t) =>
    besideHealthy(t, async (server) => {
      const code = await server.harm(async (peer) => {
        peer.send(plainHello, plainWire.maximumSize(1_000));
        assert.deepEqual(await peer.receiveToEnd(), Uint8Array.of(2));
      });
      assert.equal(code, "ERR_ENCRYPTION_REQUIRED");
    }));

  test("refuses each public key that is no uncompressed point on the curve", (t) =>
    besideHealthy(t, async (server) => {
      const keys = Object.entries(invalidPublicKeys(serverPublicKey));
      for (let first = 0; first < 256; first += 3) {
        if (first === 4) continue;
        keys.push([`first byte ${first}`, concat(Uint8Array.of(first), serverPublicKey.subarray(1))]);
      }
      for (const [name, key] of keys) {
        const code = await server.harm(async (peer) => {
          peer.send(encryptedHello);
          assert.deepEqual(await peer.receive(1), Uint8Array.of(0));
          peer.send(key);
          assert.equal((await peer.receiveToEnd()).length, 0, "it sends no key of its own");
        });
        assert.equal(code, "ERR_INVALID_PUBLIC_KEY", name);
      }
    }));

  test("ends, if the server sends it the key back that it has just sent", (t) =>
    besideHealthy(t, async (server) => {
      const code = await server.harm(async (peer) => {
        await agreeAsServer(peer, true);
        // The server speaks first, so a key that is sent back comes where the maximum size should.
        peer.send(serverPublicKey);
      });
      assert.equal(code, "ERR_FRAME_TOO_LARGE");
    }));

  for (const encrypted of [true, false]) {
    const wire = encrypted ? "sealed" : "in the clear";
    const options = { encryption: encrypted };
    const least = encrypted ? 32 : 4;
    const limit = maxMessageBytes + least;

    test(`tries again after a server that hangs up at any byte of the handshake (${wire})`, (t) =>
      besideHealthy(t, async (server) => {
        const parts = encrypted ? [2, 97, 36] : [2, 8];
        const total = parts.reduce((sum, bytes) => sum + bytes);
        const { client, peer } = await server.meet(options);
        let current = peer;
        for (let sent = 0; sent < total; sent++) {
          const lost = nextEvent<[PeerError]>(client, "error");
          await sendHandshake(current, encrypted, sent);
          current.end();
          assert.equal((await lost)[0].code, "ERR_CONNECTION_LOST", `after ${sent} bytes`);
          current.destroy();
          current = await server.next();
        }
        const connected = nextEvent<[string]>(client, "status");
        await sendHandshake(current, encrypted, total);
        assert.deepEqual(await connected, ["connected"]);
      }));

    for (const [lengths, code] of [
      [encrypted ? [0, 3, 4, 31] : [0, 3], "ERR_FRAME_TOO_SHORT"],
      [[257, 2 ** 31, 2 ** 32 - 1], "ERR_FRAME_TOO_LARGE"],
    ] as const) {
      test(`ends with ${code} at a maximum-size frame of ${lengths.join(", ")} bytes (${wire})`, (t) =>
        besideHealthy(t, async (server) => {
          for (const length of lengths) {
            const told = await server.harm(async (peer) => {
              await agreeAsServer(peer, encrypted);
              peer.send(uint32(length), pattern(2));
            }, options);
            assert.equal(told, code, `${length} bytes`);
          }
        }));
    }

    for (const [lengths, code] of [
      [encrypted ? [0, 3, 4, 31] : [0, 3], "ERR_FRAME_TOO_SHORT"],
      [[limit + 1, 2 ** 31, 2 ** 32 - 1], "ERR_PEER_MESSAGE_TOO_LARGE"],
    ] as const) {
      test(`loses the connection with ${code} at a message frame of ${lengths.join(", ")} bytes, and connects again (${wire})`, (t) =>
        besideHealthy(t, async (server) => {
          for (const length of lengths) {
            const { client, peer } = await server.meet(options);
            await openWireAsServer(peer, encrypted);
            const failed = nextEvent<[PeerError]>(client, "error");
            peer.send(uint32(length), pattern(2));
            assert.equal((await failed)[0].code, code, `${length} bytes`);
            const good = await openWireAsServer(await server.next(), encrypted);
            assert.equal(good.encrypted, encrypted);
            client.destroy();
          }
        }));
    }

    test(`takes a frame of ${least} bytes and one of ${limit} (${wire})`, (t) =>
      besideHealthy(t, async (server) => {
        const { client, peer } = await server.meet(options);
        const opened = await openWireAsServer(peer, encrypted);
        peer.send(opened.message(5, pattern(0)), opened.message(6, pattern(maxMessageBytes)));
        assert.equal((await client.read()).data.length, 0);
        assert.equal((await client.read()).data.length, maxMessageBytes);
      }));

    test(`gives up on a frame that never comes, and connects again (${wire})`, (t) =>
      besideHealthy(t, async (server) => {
        const { client, peer } = await server.meet({ ...options, frameTimeoutMs: 50 });
        await openWireAsServer(peer, encrypted);
        const failed = nextEvent<[PeerError]>(client, "error");
        peer.send(uint32(limit));
        assert.equal((await failed)[0].code, "ERR_FRAME_TIMEOUT");
        await openWireAsServer(await server.next(), encrypted);
      }));
  }

  test("refuses a maximum-size frame with any one bit of its payload flipped", (t) =>
    besideHealthy(t, async (server) => {
      // Each costs two agreements of keys: every third bit, so that each byte has some.
      for (let bit = 32; bit < 36 * 8; bit += 3) {
        const code = await server.harm(async (peer) => {
          const sealed = await agreeAsServer(peer, true);
          peer.send(flipBit(sealed.maximumSize(1_000), bit));
        });
        assert.equal(code, "ERR_DECRYPTION_FAILED", `bit ${bit}`);
      }
    }));

  test("loses the connection at a sealed message with any one bit of its payload flipped", (t) =>
    besideHealthy(t, async (server) => {
      for (let bit = 32; bit < (4 + 28 + 4 + 1) * 8; bit += 3) {
        const code = await server.harm(async (peer) => {
          const sealed = (await openWireAsServer(peer, true)) as SealedWire;
          peer.send(flipBit(sealed.message(5, pattern(1)), bit));
        });
        assert.equal(code, "ERR_DECRYPTION_FAILED", `bit ${bit}`);
      }
    }));

  test("gives up on a server that says nothing, and tries again", (t) =>
    besideHealthy(t, async (server) => {
      const { client } = await server.meet({ handshakeTimeoutMs: 50 });
      const [error] = await nextEvent<[PeerError]>(client, "error");
      assert.equal(error.code, "ERR_HANDSHAKE_TIMEOUT");
      await server.next();
    }));

  test("closes within closeTimeoutMs, whatever the server does not read", (t) =>
    besideHealthy(t, async (server) => {
      const { client, peer } = await server.meet({ closeTimeoutMs: 50, maxMessageBytes: 3_000_000 });
      const connected = nextEvent(client, "status");
      await openWireAsServer(peer, true);
      await connected;
      const failed = nextEvent<[PeerError]>(client, "error");
      void client.write(1, pattern(2_000_000));
      await client.close();
      assert.equal((await failed)[0].code, "ERR_CLOSE_TIMEOUT");
    }));

  test("has its turn of time, however fast a server drops it: it waits between tries", (t) =>
    besideHealthy(t, async (server) => {
      const { client, peer } = await server.meet();
      peer.destroy();
      for (let round = 0; round < 10; round++) (await server.next()).destroy();
      assert.equal(client.status, "connecting");
      client.destroy();
      await clientAt(t, (await freshServer(t)).name);
    }));
});

/** The first `count` bytes of what a server says in the handshake, each part when it is its turn. */
async function sendHandshake(peer: RawPeer, encrypted: boolean, count: number): Promise<void> {
  const hello = encrypted ? encryptedHello : plainHello;
  peer.send(hello.subarray(0, count));
  if (count <= 2) return;
  await peer.receive(1);
  if (!encrypted) {
    peer.send(plainWire.maximumSize(1_000).subarray(0, count - 2));
    return;
  }
  peer.send(serverPublicKey.subarray(0, count - 2));
  if (count <= 99) return;
  const wire = await sealedWireAsServer(peer);
  peer.send(wire.maximumSize(1_000).subarray(0, count - 99));
}
