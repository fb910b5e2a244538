import assert from "node:assert/strict";
import { lchownSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { createClient, type SealpipeError, startClient, startServer } from "sealpipe";
import { isEvent, startChild } from "../support/children.ts";
import { clientAt, serverAt } from "../support/endpoints.ts";
import { directoryWith } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { nextEvent } from "../support/waiting.ts";

const skip =
  (process.platform !== "linux" && "only Linux makes such a directory safe by a private one") || notRoot();

/** As Kubernetes mounts a directory at /tmp. */
const kubernetesMode = 0o777;

async function echoServer(t: TestContext, directory: string): Promise<string> {
  const server = await serverAt(t, "my-app", {
    directory,
    privateDirectory: true,
    addressCheckIntervalMs: 2,
  });
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  return server.address;
}

async function asks(t: TestContext, directory: string): Promise<string> {
  const client = await clientAt(t, "my-app", { directory, privateDirectory: true });
  await client.write(1, "hello");
  return (await client.read({ timeoutMs: 20_000 })).text;
}

describe("ends with privateDirectory", { skip, timeout: 120_000 }, () => {
  for (const mode of [0o777, 0o2777, 0o775, 0o1777]) {
    test(`find each other in a directory with mode 0${mode.toString(8)}`, async (t) => {
      const directory = directoryWith(mode);
      const address = await echoServer(t, directory);
      assert.equal(address, join(directory, "sealpipe-0", "my-app.sock"));
      assert.equal(await asks(t, directory), "hello");
      assert.deepEqual(readdirSync(directory), ["sealpipe-0"]);
      assert.equal(lstatSync(dirname(address)).mode & 0o777, 0o700);
      assert.equal(lstatSync(address).mode & 0o777, 0o600);
    });
  }

  test("find each other if the client comes first, and makes the directory", async (t) => {
    const directory = directoryWith(kubernetesMode);
    const client = createClient("my-app", { directory, privateDirectory: true });
    t.after(() => client.close());
    await nextEvent(client, "retrying");
    assert.deepEqual(readdirSync(directory), ["sealpipe-0"]);
    await echoServer(t, directory);
    await client.write(1, "early");
    assert.equal((await client.read({ timeoutMs: 20_000 })).text, "early");
  });

  test("are as many pairs as users, each for itself, whatever the umask", async (t) => {
    const directory = directoryWith(kubernetesMode);
    const options = { directory, privateDirectory: true };
    const other = startChild("user", String(otherUid));
    other.command({ do: "umask", mask: 0o377 });
    other.command({ do: "serve", name: "my-app", options });
    await other.until(isEvent("listening"));
    assert.equal(lstatSync(join(directory, `sealpipe-${otherUid}`)).mode & 0o777, 0o700);
    await echoServer(t, directory);
    const client = startChild("user", String(otherUid));
    client.command({ do: "connect", name: "my-app", options });
    await client.until(isEvent("answered"));
    assert.equal(await asks(t, directory), "hello");
    assert.deepEqual(readdirSync(directory).sort(), ["sealpipe-0", `sealpipe-${otherUid}`]);
    for (const each of [other, client]) each.command({ do: "end" });
  });

  test("are refused if another user has made the directory first", async () => {
    const directory = directoryWith(kubernetesMode);
    mkdirSync(join(directory, "sealpipe-0"));
    lchownSync(join(directory, "sealpipe-0"), otherUid, otherUid);
    const options = { directory, privateDirectory: true };
    const taken = {
      code: "ERR_ADDRESS_UNTRUSTED",
      message:
        /the private directory .*\/sealpipe-0 belongs to the user 65534, not to 0; somebody else may have/,
    };
    await assert.rejects(startServer("my-app", options), taken);
    await assert.rejects(startClient("my-app", { ...options, trust: "any" }), taken);
  });

  test("learn of a live server that it is there, and which process it is", async (t) => {
    const directory = directoryWith(kubernetesMode);
    await echoServer(t, directory);
    await assert.rejects(startServer("my-app", { directory, privateDirectory: true }), {
      code: "ERR_ADDRESS_IN_USE",
      message: new RegExp(`sealpipe-0/my-app.sock is in use: .*the process ${process.pid} `),
    });
  });

  test("find each other again after others have moved the directory away", async (t) => {
    const directory = directoryWith(kubernetesMode);
    const address = await echoServer(t, directory);
    renameSync(dirname(address), `${dirname(address)}-moved`);
    assert.equal(await asks(t, directory), "hello");
    assert.deepEqual(readdirSync(dirname(address)), ["my-app.sock"]);
  });

  test("say that the address is lost if others have put theirs in its place", async (t) => {
    const directory = directoryWith(kubernetesMode);
    const server = await startServer("my-app", {
      directory,
      privateDirectory: true,
      addressCheckIntervalMs: 2,
    });
    t.after(() => server.close());
    const failed = nextEvent<[SealpipeError]>(server, "error");
    const moved = `${dirname(server.address)}-moved`;
    const theirs = `${dirname(server.address)}-theirs`;
    mkdirSync(theirs);
    lchownSync(theirs, otherUid, otherUid);
    // Nothing of this process runs in between.
    renameSync(dirname(server.address), moved);
    renameSync(theirs, dirname(server.address));
    const [error] = await failed;
    assert.equal(error.code, "ERR_ADDRESS_LOST");
    assert.match(error.message, /belongs to the user 65534/);
    renameSync(dirname(server.address), theirs);
    renameSync(moved, dirname(server.address));
    await server.close();
    assert.deepEqual(readdirSync(dirname(server.address)), []);
  });

  test("leave no directory behind that was removed before they closed", async () => {
    const directory = directoryWith(kubernetesMode);
    const options = { directory, privateDirectory: true, addressCheckIntervalMs: 0 };
    const server = await startServer("my-app", options);
    rmSync(dirname(server.address), { recursive: true });
    await server.close();
    assert.deepEqual(readdirSync(directory), []);
  });
});

describe("without privateDirectory", { skip, timeout: 120_000 }, () => {
  test("both ends are refused there, and the error names the option", async () => {
    const directory = directoryWith(kubernetesMode);
    const refused = { code: "ERR_ADDRESS_UNTRUSTED", message: /both ends the option "privateDirectory"/ };
    await assert.rejects(startServer("my-app", { directory }), refused);
    await assert.rejects(startClient("my-app", { directory }), refused);
  });
});

describe("the option privateDirectory", () => {
  test("is refused together with unmaskPermissions, which nobody else would have the use of", async () => {
    const options = { privateDirectory: true, unmaskPermissions: true };
    await assert.rejects(startServer("my-app", options), {
      code: "ERR_INVALID_OPTION",
      message: /unmaskPermissions must be false in a private directory/,
    });
  });
});
