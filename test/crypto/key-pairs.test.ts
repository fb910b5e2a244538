import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createECDH } from "node:crypto";
import { describe, test } from "node:test";
import { KeyPairs, makeKeyPair, makeKeyPairAhead, maxReady } from "#dist/crypto/key-pairs.js";
import { type KeyPair, publicKeyBytes } from "#dist/protocol/crypto-provider.js";
import { concat, hex, toHex } from "../support/bytes.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";
import { invalidPublicKeys } from "../support/public-keys.ts";
import { until } from "../support/waiting.ts";

async function ahead(): Promise<KeyPair> {
  const keyPair = await new Promise<KeyPair | undefined>(makeKeyPairAhead);
  assert.ok(keyPair !== undefined);
  return keyPair;
}

const ways = { "at once": async () => makeKeyPair(), ahead };

for (const [how, make] of Object.entries(ways)) {
  describe(`a key pair that is made ${how}`, () => {
    test("has an uncompressed point as its public key", async () => {
      const { publicKey } = await make();
      assert.equal(publicKey.length, publicKeyBytes);
      assert.equal(publicKey[0], 0x04);
    });

    test("is another each time", async () => {
      const [first, second] = [await make(), await make()];
      assert.notDeepEqual(first.publicKey, second.publicKey);
    });

    test("comes to the same 48 bytes from both sides", async () => {
      const [first, second] = [await make(), await make()];
      const secret = first.deriveSharedSecret(second.publicKey);
      assert.equal(secret?.length, 48);
      assert.deepEqual(second.deriveSharedSecret(first.publicKey), secret);
    });

    test("comes to what another implementation's side does", async () => {
      const other = createECDH("secp384r1");
      other.generateKeys();
      const own = await make();
      assert.deepEqual(own.deriveSharedSecret(other.getPublicKey()), other.computeSecret(own.publicKey));
    });

    for (const [name, key] of Object.entries(invalidPublicKeys(clientPublicKey))) {
      test(`has no shared secret with ${name}`, async () => {
        assert.equal((await make()).deriveSharedSecret(key), undefined);
      });
    }

    test("has no shared secret with a key of another length, though OpenSSL would take it", async () => {
      const compressed = concat(
        Uint8Array.of(2 + ((clientPublicKey[96] as number) & 1)),
        clientPublicKey.subarray(1, 49),
      );
      const { deriveSharedSecret } = await make();
      for (const key of [hex(""), hex("00"), hex("04"), compressed, clientPublicKey.subarray(0, 96)]) {
        assert.equal(deriveSharedSecret(key), undefined);
      }
      assert.equal(deriveSharedSecret(concat(clientPublicKey, hex("00"))), undefined);
    });

    test("does not take a caller's mistake for an invalid key", async () => {
      const { deriveSharedSecret } = await make();
      assert.throws(() => deriveSharedSecret(Array.from(clientPublicKey) as never), TypeError);
    });
  });
}

test("key pairs of both kinds come to the same secret", async () => {
  const [one, other] = [makeKeyPair(), await ahead()];
  const secret = one.deriveSharedSecret(other.publicKey);
  assert.ok(secret !== undefined);
  assert.deepEqual(Buffer.from(other.deriveSharedSecret(one.publicKey) ?? []), Buffer.from(secret));
});

/** Callbacks came to `diffieHellman` with this version. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const derivesElsewhere = (major > 23 || (major === 23 && minor >= 11)) && !("deno" in process.versions);

describe("a key pair derives its secret elsewhere", () => {
  test("only if it was made ahead, and Node can", async () => {
    assert.equal(makeKeyPair().deriveElsewhere, undefined);
    assert.equal((await ahead()).deriveElsewhere !== undefined, derivesElsewhere);
  });

  if (!derivesElsewhere) return;

  async function derived({ deriveElsewhere }: KeyPair, key: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      let returned = false;
      deriveElsewhere?.(key, (secret) => {
        assert.ok(returned, "never before it returns");
        resolve(secret);
      });
      returned = true;
    });
  }

  test("which is the same", async () => {
    const [one, other] = [await ahead(), makeKeyPair()];
    const secret = await derived(one, other.publicKey);
    assert.deepEqual(Buffer.from(secret ?? []), Buffer.from(other.deriveSharedSecret(one.publicKey) ?? []));
    assert.equal(secret?.length, 48);
  });

  for (const [name, key] of Object.entries(invalidPublicKeys(clientPublicKey))) {
    test(`which is none with ${name}`, async () => {
      assert.equal(await derived(await ahead(), key), undefined);
    });
  }
});

/** Takes one, and waits until what is made for it is there. */
async function taken(keyPairs: KeyPairs): Promise<string> {
  const { publicKey } = keyPairs.take();
  const done = keyPairs.ready;
  for (let count = 0; count < 3; count++) await ahead();
  assert.ok(keyPairs.ready >= done);
  return toHex(publicKey);
}

describe("key pairs that are made ahead", () => {
  test("are none for a process that needs one, then as many as it has used since, and 32 at most", async () => {
    const keyPairs = new KeyPairs();
    await taken(keyPairs);
    assert.equal(keyPairs.ready, 0);
    await taken(keyPairs);
    await until(() => keyPairs.ready === 1);
    await taken(keyPairs);
    await until(() => keyPairs.ready === 2);
    for (let count = 0; count < 50; count++) await taken(keyPairs);
    await until(() => keyPairs.ready === maxReady);
    assert.equal(maxReady, 32);
  });

  test("are given once each, to any number of callers at once", async () => {
    const keyPairs = new KeyPairs();
    const given = new Set<string>();
    for (let count = 0; count < 40; count++) given.add(await taken(keyPairs));
    for (let count = 0; count < 40; count++) given.add(toHex(keyPairs.take().publicKey));
    assert.equal(given.size, 80);
    await until(() => keyPairs.ready === 2);
  });

  test("are waited for, by each in its turn, unless one is there or it is the first", async () => {
    const keyPairs = new KeyPairs();
    const ready: number[] = [];
    const wait = (number: number) => keyPairs.wait(() => ready.push(number));
    assert.equal(wait(0), false, "the first");
    keyPairs.take();
    for (const number of [1, 2, 3, 4, 5]) assert.equal(wait(number), true);
    assert.deepEqual(ready, [], "not before it returns");
    await until(() => ready.length === 5);
    assert.deepEqual(ready, [1, 2, 3, 4, 5]);
    assert.equal(keyPairs.ready, 5, "which nobody has taken");
    assert.equal(wait(6), false);
    assert.equal(ready.length, 5);
  });

  test("keep the process alive for no longer than two take", () => {
    const module = new URL("../../../dist/crypto/key-pairs.js", import.meta.url).href;
    const program = `
      import { KeyPairs } from ${JSON.stringify(module)};
      const keyPairs = new KeyPairs();
      for (let count = 0; count < 40; count++) keyPairs.take();
      process.on("exit", () => console.log(keyPairs.ready));
    `;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.equal(stdout, "2\n");
  });
});
