import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { connect, serve } from "sealpipe/contract";
import { type FrameLike, handOverPorts, type ServePortsOptions, servePorts } from "sealpipe/electron";
import { openPort } from "sealpipe/port";
import { freshName } from "../support/names.ts";
import { notes } from "../support/notes-contract.ts";
import { until } from "../support/waiting.ts";

/**
 * What Electron's two processes and its `ipcMain`, `ipcRenderer` and `window` do, as its documentation has it, with Node's real message
 * ports. Electron itself does not run here.
 */
class Electron {
  readonly ipcMain = new EventEmitter();
  readonly MessageChannelMain = class {
    readonly port1: MessagePort;
    readonly port2: MessagePort;
    constructor() {
      const { port1, port2 } = new MessageChannel();
      // As Electron's, whose listeners get an event: `message` once it is started, and `close` when the other end is gone.
      const main = new EventEmitter();
      port1.on("close", () => main.emit("close"));
      this.port1 = Object.assign(main, {
        postMessage: (message: unknown) => port1.postMessage(message),
        start: () => port1.on("message", (data) => main.emit("message", { data })),
        close: () => port1.close(),
      }) as unknown as MessagePort;
      this.port2 = port2;
    }
  };

  /** A window that shows a page with a preload script. */
  open(url: string): {
    sender: EventEmitter;
    posted: { message: unknown; target: string; ports: MessagePort[] }[];
  } {
    const sender = new EventEmitter();
    const ipcRenderer = new EventEmitter();
    const senderFrame: FrameLike = {
      url,
      postMessage: (channel, _, transfer) => ipcRenderer.emit(channel, { ports: transfer }),
    };
    const posted: { message: unknown; target: string; ports: MessagePort[] }[] = [];
    handOverPorts(
      {
        on: (channel, listener) => ipcRenderer.on(channel, listener),
        send: (channel) => this.ipcMain.emit(channel, { senderFrame, sender }),
      },
      {
        postMessage: (message, target, ports) =>
          posted.push({ message, target, ports: ports as unknown as MessagePort[] }),
      },
    );
    return { sender, posted };
  }
}

async function started(t: TestContext, options: Partial<ServePortsOptions<"add" | "hang">> = {}) {
  const aborted: unknown[] = [];
  const server = await serve(freshName(), notes, {
    add: (text) => text.length,
    hang: async (_, { signal }) => {
      await once(signal, "abort");
      aborted.push(signal.reason);
    },
    async *count() {},
    async *shout() {},
    secret: () => "a secret",
    picture: () => ({ at: "here" }),
  });
  const app = await connect(server.endpoint.name, notes);
  const electron = new Electron();
  const refusals: string[] = [];
  const stop = servePorts(electron, app, notes, {
    allow: ["add", "hang"],
    trust: ({ url }) => new URL(url).protocol === "app:",
    onRefused: ({ message }) => refusals.push(message),
    ...options,
  });
  t.after(async () => {
    stop();
    await app.close();
    await server.close();
  });
  return { electron, refusals, aborted, stop };
}

describe("Electron's windows", { timeout: 60_000 }, () => {
  test("get a port each to what is allowed, for their own page alone", async (t) => {
    const { electron } = await started(t);
    const { posted } = electron.open("app://notes/index.html");
    assert.deepEqual(
      posted.map(({ message, target }) => [message, target]),
      [[{ sealpipePort: "sealpipe" }, "/"]],
    );
    const page = await openPort<typeof notes>(posted[0]?.ports[0] as MessagePort);
    assert.equal(await page.add("four"), 4);
    assert.equal(page.has("secret"), false);
    page.close();
  });

  for (const url of ["https://example.com/", "file:///etc/passwd", "app.example:1"]) {
    test(`get none if the main process does not trust ${url}`, async (t) => {
      const { electron, refusals } = await started(t);
      assert.deepEqual(electron.open(url).posted, []);
      assert.deepEqual(refusals, [`a frame was refused a port: ${url}`]);
    });
  }

  test("get none if their frame has gone, or trust says anything but true", async (t) => {
    const { electron, refusals } = await started(t, { trust: (() => "yes") as never });
    electron.ipcMain.emit("sealpipe-port:sealpipe", { senderFrame: null, sender: new EventEmitter() });
    assert.deepEqual(electron.open("app://notes/").posted, []);
    assert.equal(refusals.length, 2);
  });

  for (const [what, leave] of [
    ["navigates, and so its port closes", ({ posted }) => posted[0]?.ports[0]?.close()],
    ["is destroyed", ({ sender }) => sender.emit("destroyed")],
  ] as [string, (window: ReturnType<Electron["open"]>) => void][]) {
    test(`have their calls cancelled at the daemon when one ${what}`, async (t) => {
      const { electron, aborted } = await started(t);
      const window = electron.open("app://notes/");
      const page = await openPort<typeof notes>(window.posted[0]?.ports[0] as MessagePort);
      const hanging = page.hang();
      await page.add("in order, after that");
      leave(window);
      await assert.rejects(hanging, { code: "ERR_CONNECTION_LOST" });
      await until(() => aborted.length === 1);
    });
  }

  test("that break the rules of a port lose it, and the main process learns why", async (t) => {
    const { electron, refusals } = await started(t);
    const [port] = electron.open("app://notes/").posted[0]?.ports ?? [];
    port?.on("message", () => {});
    port?.postMessage(["nonsense"]);
    await until(() => refusals.length === 1);
    assert.match(refusals[0] as string, /no frame of this protocol/);
    port?.close();
  });

  test("get no further ports, and lose those that they have, once the main process stops", async (t) => {
    const { electron, stop } = await started(t);
    const page = await openPort<typeof notes>(
      electron.open("app://notes/").posted[0]?.ports[0] as MessagePort,
    );
    stop();
    await assert.rejects(page.add("x"), { code: "ERR_CONNECTION_LOST" });
    assert.deepEqual(electron.open("app://notes/").posted, []);
  });

  test("cannot be served without saying whom to trust", () => {
    const options = { allow: [] } as unknown as ServePortsOptions<"add">;
    assert.throws(() => servePorts(new Electron(), {} as never, notes, options), {
      code: "ERR_INVALID_OPTION",
    });
  });

  test("cannot be served with options that are none", () => {
    for (const wrong of [
      { trust: "app:" },
      { name: 5 },
      { onRefused: "log" },
      { allow: ["nothing"] },
      { maxConcurrent: 0 },
      { maxconcurrent: 5 },
    ]) {
      const options = { allow: ["add"], trust: () => true, ...wrong } as never;
      assert.throws(() => servePorts(new Electron(), {} as never, notes, options), {
        code: "ERR_INVALID_OPTION",
      });
    }
  });
});
