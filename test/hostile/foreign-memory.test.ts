import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { type Client, type Connection, createClient, type Server } from "sealpipe";
import { concat, uint32 } from "../support/bytes.ts";
import { clientAt, freshServer } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { freshName } from "../support/names.ts";
import { nativeFrame, nativeRecord } from "../support/native-raw-peer.ts";
import { accepted, addressOf, plainHello } from "../support/raw-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 60_000;
const sessionId = new Uint8Array(16).fill(9);
const overheadBytes = 64;
const nothingReceived = new Uint8Array(24);
/** What one session's messages are filled with, and what the others'. */
const own = 0x56;
const foreign = 0x57;
const largeBytes = 2_500_000;

const native = Buffer.from("sealpip1");
const helloNumbers = concat(...[1_073_741_824, 2_147_483_647, 2_147_483_647, 2_147_483_647, 7].map(uint32));

function helloOf(...session: Uint8Array[]): Uint8Array {
  return nativeRecord(nativeFrame(0x01, helloNumbers, new Uint8Array(3), ...session));
}

/** That of a plain connection, whose key anyone who has seen the session's id can make. */
function proofOf(side: "client" | "server", id: Uint8Array): Uint8Array {
  const key = createHash("sha256").update(id).digest();
  return createHmac("sha256", key)
    .update(concat(Buffer.from(side), id, nothingReceived))
    .digest();
}

/** A bare socket that reads only what it is asked to. */
class SlowSocket {
  readonly socket: Socket;
  #read = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    // A listener for `readable` makes Node read no more than its own buffer holds.
    socket.on("readable", () => this.#wake());
    socket.on("close", () => this.#wake());
  }

  async take(count: number): Promise<Buffer> {
    while (this.#read.length < count) {
      const more: Buffer | null = this.socket.read();
      if (more !== null) this.#read = Buffer.concat([this.#read, more]);
      else if (this.socket.readableEnded || this.socket.destroyed) throw new Error("it has ended");
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    const taken = this.#read.subarray(0, count);
    this.#read = this.#read.subarray(count);
    return taken;
  }

  async record(): Promise<Buffer> {
    return this.take((await this.take(4)).readUInt32BE());
  }

  async rest(): Promise<Buffer> {
    const all = [this.#read];
    this.socket.removeAllListeners("readable");
    this.socket.on("data", (chunk) => all.push(chunk));
    this.socket.resume();
    if (!this.socket.destroyed) await once(this.socket, "close");
    return Buffer.concat(all);
  }

  /** Reads all that the other end has to say, and then acknowledges it. */
  async acknowledgeAll(messages: number): Promise<void> {
    let weight = 0;
    for (let whole = 0; whole < messages; ) {
      const record = await this.record();
      for (let at = 0; at < record.length; ) {
        const kind = record[at] as number;
        const end = at + 4 + record.readUIntBE(at + 1, 3);
        if (kind >> 4 === 1) weight += end - at + overheadBytes;
        // A large message is whole when a part of it is shorter than the others.
        if (kind === 0x10 || (kind === 0x12 && end - at < 100_000)) whole += 1;
        at = end;
      }
    }
    this.socket.write(nativeRecord(nativeFrame(0x02, uint32(0), uint32(weight), new Uint8Array(16))));
  }
}

/** A server that means harm: it has one session, whatever the client says. */
async function hostileServer(t: TestContext): Promise<{ name: string; accept(): Promise<SlowSocket> }> {
  const name = freshName();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const sockets: SlowSocket[] = [];
  server.on("connection", (socket) => sockets.push(new SlowSocket(socket)));
  server.listen(addressOf(name));
  await once(server, "listening");
  t.after(async () => {
    for (const { socket } of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  let met = 0;
  return {
    name,
    async accept() {
      while (sockets.length <= met) await once(server, "connection");
      const peer = sockets[met] as SlowSocket;
      met += 1;
      peer.socket.write(plainHello);
      await peer.take(1);
      peer.socket.write(plainWire.maximumSize(1_073_741_824, native));
      await peer.take(1);
      await peer.record();
      const session =
        met === 1
          ? [Uint8Array.of(1), sessionId]
          : [Uint8Array.of(2), nothingReceived, proofOf("server", sessionId)];
      peer.socket.write(helloOf(...session));
      return peer;
    },
  };
}

/** The same as a client. */
async function hostileClient(
  t: TestContext,
  server: Server,
  id?: Uint8Array,
): Promise<{ peer: SlowSocket; id: Uint8Array }> {
  const peer = new SlowSocket(connect({ path: server.address, allowHalfOpen: true }));
  t.after(() => peer.socket.destroy());
  const session =
    id === undefined ? [Uint8Array.of(1)] : [Uint8Array.of(2), id, nothingReceived, proofOf("client", id)];
  peer.socket.write(concat(accepted, Uint8Array.of(1), helloOf(...session)));
  await peer.take(2);
  await peer.record();
  const hello = await peer.record();
  let at = 4 + 20;
  for (let text = 0; text < 3; text++) at += 1 + (hello[at] as number);
  return { peer, id: id ?? Uint8Array.from(hello.subarray(at + 1, at + 17)) };
}

/** Another session of the same process, whose messages take the memory that is free. */
async function otherSession(t: TestContext): Promise<(messages: number) => Promise<void>> {
  const server = await freshServer(t, { secret: "a secret of 32 bytes or more, for both" });
  const client = await clientAt(t, server.name, { secret: "a secret of 32 bytes or more, for both" });
  server.on("message", () => {});
  return async (messages) => {
    const data = new Uint8Array(largeBytes).fill(foreign);
    for (let count = 0; count < messages; count++) await client.write(1, data);
    await client.flush();
  };
}

/**
 * Besides what was sent there are the headers of some frames. Memory that another session has had is no part of it, even
 * if that has been wiped since.
 */
function checkOwn(bytes: Buffer): void {
  assert.equal(bytes.indexOf(Buffer.alloc(16, foreign)), -1, `foreign bytes among ${bytes.length}`);
  const others = bytes.filter((byte) => byte !== own).length;
  assert.ok(bytes.length - others > 1_000, "what was sent before the loss");
  assert.ok(others < 1_000, `${others} of ${bytes.length} bytes are none that were sent`);
}

describe("a peer that reads its lost connection late", { timeout }, () => {
  test("finds nothing of other sessions there, as a server", async (t) => {
    const other = await otherSession(t);
    const hostile = await hostileServer(t);
    const client: Client = createClient(hostile.name, {
      encryption: false,
      retryDelayMs: 1,
      maxRetryDelayMs: 2,
    });
    t.after(() => client.destroy());
    const first = await hostile.accept();
    void client.write(1, new Uint8Array(largeBytes).fill(own));
    // So that the write is under way.
    await first.take(1);
    first.socket.end();
    const second = await hostile.accept();
    await second.acknowledgeAll(1);
    await client.flush();
    // What is acknowledged is given to others with the next write.
    void client.write(1, "next");
    await second.record();
    await other(3);
    void client.write(1, "after that");
    checkOwn(await first.rest());
  });

  test("finds nothing of other sessions there, as a client", async (t) => {
    const other = await otherSession(t);
    const server = await freshServer(t, { encryption: false });
    const connected = nextEvent<[Connection]>(server, "connection");
    const { peer: first, id } = await hostileClient(t, server);
    const [connection] = await connected;
    void connection.write(1, new Uint8Array(largeBytes).fill(own));
    await first.take(1);
    const lost = nextEvent(connection, "status");
    first.socket.end();
    assert.deepEqual(await lost, ["reconnecting"]);
    const { peer: second } = await hostileClient(t, server, id);
    await second.acknowledgeAll(1);
    await connection.flush();
    void connection.write(1, "next");
    await second.record();
    await other(3);
    void connection.write(1, "after that");
    checkOwn(await first.rest());
  });

  test("and acknowledges what it has not read finds nothing of other sessions there either", async (t) => {
    const other = await otherSession(t);
    const server = await freshServer(t, { encryption: false });
    const connected = nextEvent<[Connection]>(server, "connection");
    const { peer } = await hostileClient(t, server);
    const [connection] = await connected;
    // Of one frame each, so that positions are known. The system takes the first whole, and of the second only a part.
    const bytes = 120_000;
    for (let count = 0; count < 8; count++) void connection.write(1, new Uint8Array(bytes).fill(own));
    const weight = 4 + 4 + bytes + overheadBytes;
    const all = [await peer.take(1)];
    for (let count = 1; count <= 2; count++) {
      peer.socket.write(
        nativeRecord(nativeFrame(0x02, uint32(0), uint32(count * weight), new Uint8Array(16))),
      );
      await other(1);
    }
    all.push(await peer.take(8 * (4 + 4 + 4 + bytes) - 1));
    assert.equal(connection.status, "connected", "it was free to acknowledge them");
    checkOwn(Buffer.concat(all));
  });
});
