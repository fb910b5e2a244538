import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { PeerError } from "#dist/errors.js";
import { RecordProtection } from "#dist/protocol/classic/record.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { agreeOnNative } from "#dist/protocol/handshake/native-agreement.js";
import type { ProfileChoice } from "#dist/protocol/handshake/options.js";
import { deriveNativeSecrets, hashTranscript } from "#dist/protocol/native/wire/key-schedule.js";
import { RecordReader } from "#dist/protocol/native/wire/record.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, flipBit, hex, pattern, toHex } from "../../support/bytes.ts";
import { fixedCrypto, fixedKeyPair } from "../../support/fixed-crypto.ts";
import {
  clientPrivateKey,
  clientPublicKey,
  plainWire,
  sealedWire,
  serverPrivateKey,
  serverPublicKey,
} from "../../support/hand-made-peer.ts";
import {
  type EndOptions,
  firstRecord,
  HandshakeEnd,
  runTogether,
  shakeHands,
} from "../../support/handshake-pair.ts";

const secret = new TextEncoder().encode("open sesame");

describe("the profile that two ends come to", () => {
  const notNative = "refused ERR_PEER_NOT_NATIVE";
  const outcomes: Record<ProfileChoice, Record<ProfileChoice, readonly [client: string, server: string]>> = {
    classic: {
      classic: ["classic", "classic"],
      auto: ["classic", "classic"],
      native: ["classic", notNative],
    },
    auto: { classic: ["classic", "classic"], auto: ["native", "native"], native: ["native", "native"] },
    native: { classic: [notNative, "classic"], auto: ["native", "native"], native: ["native", "native"] },
  };
  for (const client of ["classic", "auto", "native"] as const) {
    for (const server of ["classic", "auto", "native"] as const) {
      for (const encryption of [false, true]) {
        const name = `${client} and a server that is ${server}, ${encryption ? "encrypted" : "plain"}`;
        test(`is ${outcomes[client][server].join(" and ")} for a client that is ${name}`, () => {
          const pair = shakeHands({ profile: client, encryption }, { profile: server, encryption });
          assert.deepEqual([pair.client.outcome, pair.server.outcome], outcomes[client][server]);
        });
      }
    }
  }

  test("is native and encrypted if the server encrypts and the client only follows", () => {
    const { client, server } = shakeHands({ encryption: false }, { encryption: true });
    assert.deepEqual([client.native?.encrypted, server.native?.encrypted], [true, true]);
  });

  test("is not classic with a secret at one end, whatever profile the other has", () => {
    assert.equal(shakeHands({ secret }, { profile: "classic" }).client.outcome, notNative);
    assert.equal(shakeHands({ profile: "classic" }, { secret }).server.outcome, notNative);
    assert.equal(shakeHands({ secret }, {}).client.outcome, "native");
  });

  test("is none if the client has a secret and the server does not encrypt", () => {
    const { client, server } = shakeHands({ secret, encryption: false }, { encryption: false });
    assert.equal(client.outcome, "failed ERR_ENCRYPTION_REQUIRED");
    assert.equal(server.outcome, "failed ERR_ENCRYPTION_REQUIRED");
  });

  test("is encrypted if the server has a secret, although encryption was disabled", () => {
    const { client, server } = shakeHands({ secret, encryption: false }, { secret, encryption: false });
    assert.deepEqual([client.native?.encrypted, server.native?.encrypted], [true, true]);
  });
});

describe("a native agreement", () => {
  const fixed = (privateKey: Uint8Array): EndOptions => ({ crypto: fixedCrypto({ privateKey }) });

  test("has the keys of the whole transcript, one for each direction", () => {
    const { client, server } = shakeHands(fixed(clientPrivateKey), fixed(serverPrivateKey));
    const [, , maximumSizeFrame] = server.written;
    assert.ok(maximumSizeFrame && client.native && server.native);
    const transcript = hashTranscript({ serverPublicKey, clientPublicKey, maximumSizeFrame }, nodeCrypto);
    const sharedSecret = fixedKeyPair(clientPrivateKey).deriveSharedSecret(serverPublicKey) ?? hex("");
    const secrets = deriveNativeSecrets({ sharedSecret, transcript, secret: undefined }, nodeCrypto);
    for (const { native } of [client, server]) {
      assert.equal(toHex(native?.transcript ?? hex("")), toHex(transcript));
      assert.equal(toHex(native?.resumptionKey ?? hex("")), toHex(secrets.resumptionKey));
    }
    for (const [end, trafficSecret] of [
      [client, secrets.client],
      [server, secrets.server],
    ] as const) {
      const input = new ReceiveBuffer();
      for (const part of end.native?.writer.write([hex("03 00 00 00")]) ?? []) input.push(part);
      const read = new RecordReader({ trafficSecret, crypto: nodeCrypto }).read(input);
      assert.equal(toHex(read?.bytes ?? hex("")), "03 00 00 00");
    }
  });

  test("lets each end open the other's records, and none its own", () => {
    const { client, server } = shakeHands({}, {});
    assert.equal(firstRecord(client, server), "opens");
    assert.equal(firstRecord(server, client), "opens");
    const again = shakeHands({}, {});
    assert.equal(firstRecord(again.client, again.client), "ERR_AUTHENTICATION_FAILED");
    assert.equal(firstRecord(again.server, again.server), "ERR_AUTHENTICATION_FAILED");
  });

  test("has neither keys nor a transcript in the clear", () => {
    const { client, server } = shakeHands({ encryption: false }, { encryption: false });
    for (const { native } of [client, server]) {
      assert.deepEqual(
        [native?.encrypted, native?.transcript, native?.resumptionKey],
        [false, hex(""), undefined],
      );
    }
    assert.equal(firstRecord(client, server), "opens");
    assert.equal(firstRecord(server, client), "opens");
  });

  test("leaves what follows the confirmation to the session", () => {
    const { server } = shakeHands({ encryption: false }, { encryption: false });
    server.receive(hex("aa bb"));
    assert.equal(toHex(server.input.take(server.input.length)), "aa bb");
  });

  test("comes with a wiped shared secret at both ends, as a classic session does", () => {
    for (const profile of ["auto", "classic"] as const) {
      const secrets: Uint8Array[] = [];
      const watched: CryptoProvider = {
        ...nodeCrypto,
        generateKeyPair() {
          const keyPair = nodeCrypto.generateKeyPair();
          return {
            publicKey: keyPair.publicKey,
            deriveSharedSecret(peerPublicKey) {
              const sharedSecret = keyPair.deriveSharedSecret(peerPublicKey) ?? hex("");
              secrets.push(sharedSecret);
              return sharedSecret;
            },
          };
        },
      };
      shakeHands({ crypto: watched }, { crypto: watched, profile });
      assert.deepEqual(secrets.map(toHex), [toHex(new Uint8Array(48)), toHex(new Uint8Array(48))]);
    }
  });
});

describe("a secret", () => {
  const other = new TextEncoder().encode("open barley");
  const failed = "ERR_AUTHENTICATION_FAILED";
  const cases: readonly (readonly [string, Uint8Array | undefined, Uint8Array | undefined, string])[] = [
    ["at both ends", secret, secret, "opens"],
    ["that is another at the server", secret, other, failed],
    ["that the server lacks", secret, undefined, failed],
    ["that the client lacks", undefined, secret, failed],
    ["that is longer by a zero byte at the server", secret, concat(secret, hex("00")), failed],
  ];
  for (const [name, atClient, atServer, outcome] of cases) {
    test(`${name}: the first record of each direction ${outcome === "opens" ? "opens" : "is refused"}`, () => {
      const { client, server } = shakeHands({ secret: atClient }, { secret: atServer });
      assert.deepEqual([client.outcome, server.outcome], ["native", "native"]);
      assert.equal(firstRecord(client, server), outcome);
      assert.equal(firstRecord(server, client), outcome);
    });
  }

  test("is not changed by the handshake, so that it serves for the next", () => {
    const kept = Uint8Array.from(secret);
    shakeHands({ secret: kept }, { secret: kept });
    assert.deepEqual(kept, secret);
  });
});

describe("a process in the middle that runs an honest handshake with each end", () => {
  function between(atEnds: EndOptions) {
    const middle = { server: new HandshakeEnd("server"), client: new HandshakeEnd("client") };
    const client = new HandshakeEnd("client", atEnds);
    const server = new HandshakeEnd("server", atEnds);
    runTogether(client, middle.server);
    runTogether(middle.client, server);
    return { client, server, middle };
  }

  test("is not noticed without a secret", () => {
    const { client, server, middle } = between({});
    assert.equal(firstRecord(client, middle.server), "opens");
    assert.equal(firstRecord(middle.server, client), "opens");
    assert.equal(firstRecord(middle.client, server), "opens");
    assert.equal(firstRecord(server, middle.client), "opens");
  });

  test("can neither open nor make a record if both ends have a secret", () => {
    const { client, server, middle } = between({ secret });
    assert.equal(firstRecord(client, middle.server), "ERR_AUTHENTICATION_FAILED");
    assert.equal(firstRecord(middle.server, client), "ERR_AUTHENTICATION_FAILED");
    assert.equal(firstRecord(middle.client, server), "ERR_AUTHENTICATION_FAILED");
    assert.equal(firstRecord(server, middle.client), "ERR_AUTHENTICATION_FAILED");
  });

  test("cannot hand the ends' records on to each other either", () => {
    for (const options of [{}, { secret }]) {
      const { client, server } = between(options);
      assert.equal(firstRecord(client, server), "ERR_AUTHENTICATION_FAILED");
      assert.equal(firstRecord(server, client), "ERR_AUTHENTICATION_FAILED");
    }
  });

  test("cannot talk ends with a secret into the classic profile", () => {
    const classicMiddle = { profile: "classic" } as const;
    assert.equal(shakeHands({ secret }, classicMiddle).client.outcome, "refused ERR_PEER_NOT_NATIVE");
    assert.equal(shakeHands(classicMiddle, { secret }).server.outcome, "refused ERR_PEER_NOT_NATIVE");
  });
});

test("no bit that is changed on its way lets two ends with a secret open each other's records", () => {
  const crypto = (privateKey: Uint8Array) => fixedCrypto({ privateKey });
  const changedAt = (side: "client" | "server", bit: number): string => {
    const client = new HandshakeEnd("client", { secret, crypto: crypto(clientPrivateKey) });
    const server = new HandshakeEnd("server", { secret, crypto: crypto(serverPrivateKey) });
    let before = 0;
    const change = (part: Uint8Array): Uint8Array => {
      const within = bit - before * 8;
      before += part.length;
      return within >= 0 && within < part.length * 8 ? flipBit(part, within) : part;
    };
    const unchanged = (part: Uint8Array) => part;
    for (let moved = true; moved; ) {
      const toClient = client.hear(server, side === "server" ? change : unchanged);
      const toServer = server.hear(client, side === "client" ? change : unchanged);
      moved = toClient || toServer;
    }
    if (client.outcome !== "native" || server.outcome !== "native") return "no records";
    return firstRecord(client, server);
  };
  // Of each part a few, and of the bytes by which the profiles are told apart all.
  const inServers = [...Array(19).keys(), 400, 791, ...Array.from({ length: 36 * 8 }, (_, bit) => 792 + bit)];
  for (const bit of inServers) assert.notEqual(changedAt("server", bit), "opens", `server's bit ${bit}`);
  for (const bit of [...Array(8).keys(), 8, 400, 783, ...Array.from({ length: 8 }, (_, bit) => 784 + bit)]) {
    assert.notEqual(changedAt("client", bit), "opens", `client's bit ${bit}`);
  }
});

describe("the keys of two ends that have one shared secret", () => {
  const sharedSecret = fixedKeyPair(clientPrivateKey).deriveSharedSecret(serverPublicKey) ?? hex("");
  const frame = sealedWire.maximumSize(1_000);

  /** An end, as it has seen the handshake. */
  function agreement(
    side: "client" | "server",
    seen: { server?: Uint8Array; client?: Uint8Array; frame?: Uint8Array },
  ) {
    const { server = serverPublicKey, client = clientPublicKey } = seen;
    const [ownPublicKey, peerPublicKey] = side === "server" ? [server, client] : [client, server];
    const records = new RecordProtection(pattern(32), nodeCrypto);
    const keys = { records, ownPublicKey, peerPublicKey, sharedSecret };
    const options = {
      encryption: true,
      profile: "auto",
      maxMessageBytes: 1_000,
      crypto: nodeCrypto,
      secret,
    } as const;
    return agreeOnNative(side, { keys, frame: seen.frame ?? frame }, options);
  }

  /** Whether a record of each opens at the other. */
  function outcomes(atClient: Parameters<typeof agreement>[1]): string[] {
    const pair = { client: agreement("client", atClient), server: agreement("server", {}) };
    return (["client", "server"] as const).map((from) => {
      const input = new ReceiveBuffer();
      for (const part of pair[from].writer.write([hex("03 00 00 00")])) input.push(part);
      try {
        return pair[from === "client" ? "server" : "client"].reader.read(input) === undefined
          ? "waits"
          : "opens";
      } catch (error) {
        return (error as PeerError).code;
      }
    });
  }

  test("are the same if they have seen the same handshake", () => {
    assert.deepEqual(outcomes({}), ["opens", "opens"]);
  });

  // The point on the other side of the axis comes to the same shared secret: it takes the transcript to notice it.
  const negated = (publicKey: Uint8Array): Uint8Array => {
    const order = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
    const y = order - BigInt(`0x${toHex(publicKey.subarray(49)).replaceAll(" ", "")}`);
    return concat(publicKey.subarray(0, 49), hex(y.toString(16).padStart(96, "0")));
  };
  const parts = {
    "the server's key": { server: negated(serverPublicKey) },
    "the client's key": { client: negated(clientPublicKey) },
    "the maximum size": { frame: flipBit(frame, frame.length * 8 - 1) },
  };
  for (const [part, seen] of Object.entries(parts)) {
    test(`are others at each end, in both directions, if they have seen another of ${part}`, () => {
      const ecdh = fixedKeyPair(clientPrivateKey);
      if ("server" in seen) assert.deepEqual(ecdh.deriveSharedSecret(seen.server), sharedSecret);
      assert.deepEqual(outcomes(seen), ["ERR_AUTHENTICATION_FAILED", "ERR_AUTHENTICATION_FAILED"]);
    });
  }
});

describe("what golang-ipc's peers see of a server that speaks native", () => {
  const server = (options: EndOptions) =>
    new HandshakeEnd("server", { crypto: fixedCrypto({ privateKey: serverPrivateKey }), ...options });

  test("is a sealed maximum size of exactly four bytes, as one of its clients demands", () => {
    const end = server({}).receive(concat(hex("00"), clientPublicKey));
    const [hello, key, maximumSize] = end.written;
    assert.deepEqual(
      [hello, key].map((part) => toHex(part ?? hex(""))),
      ["02 01", toHex(serverPublicKey)],
    );
    assert.equal(maximumSize?.length, 36);
    assert.equal(toHex(sealedWire.open(maximumSize ?? hex(""))), "00 30 00 00");
    assert.equal(end.receive(hex("00")).outcome, "classic");
  });

  test("differs from a classic server's in the nonce and what is sealed with it alone", () => {
    const [native, classic] = (["auto", "classic"] as const).map((profile) =>
      server({ profile })
        .receive(concat(hex("00"), clientPublicKey))
        .written.map(toHex),
    );
    assert.deepEqual(native?.slice(0, 2), classic?.slice(0, 2));
    assert.equal(native?.[2]?.slice(0, 11), classic?.[2]?.slice(0, 11), "the length");
    assert.notEqual(native?.[2], classic?.[2]);
  });

  test("is in the clear a maximum size whose first four bytes are the size", () => {
    const end = server({ encryption: false }).receive(hex("00"));
    assert.equal(toHex(end.written[1] ?? hex("")), "00 00 00 0c 00 30 00 00 73 65 61 6c 70 69 70 31");
    assert.equal(end.receive(hex("00")).outcome, "classic");
  });

  test("is all classic after any confirmation but 01", () => {
    for (let byte = 0; byte <= 255; byte++) {
      const end = server({ encryption: false }).receive(Uint8Array.of(0, byte));
      assert.equal(end.outcome, byte === 1 ? "native" : "classic");
    }
  });

  test("is nothing of native if it is set to classic, though a client says 01", () => {
    const end = server({ encryption: false, profile: "classic" }).receive(hex("00 01"));
    assert.equal(toHex(end.written[1] ?? hex("")), "00 00 00 04 00 30 00 00");
    assert.equal(end.outcome, "classic");
  });
});

describe("what golang-ipc's servers see of a client that speaks native", () => {
  const handshakes: Record<string, Uint8Array> = {
    plain: concat(hex("02 00"), plainWire.maximumSize(1_000)),
    "plain, with more behind the size": concat(hex("02 00"), plainWire.maximumSize(1_000, pattern(8))),
    encrypted: concat(hex("02 01"), serverPublicKey, sealedWire.maximumSize(1_000)),
  };
  for (const [name, bytes] of Object.entries(handshakes)) {
    for (const profile of ["auto", "native"] as const) {
      test(`is what a classic one would say (${name}, ${profile})`, () => {
        const written = ([profile, "classic"] as const).map((choice) =>
          new HandshakeEnd("client", {
            encryption: false,
            profile: choice,
            crypto: fixedCrypto({ privateKey: clientPrivateKey }),
          })
            .receive(bytes)
            .written.map(toHex),
        );
        assert.deepEqual(written[0], written[1]);
      });
    }
  }
});
