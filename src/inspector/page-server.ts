import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SystemError } from "../index.ts";
import { Gate, type Refusal, securityHeaders } from "./gate.ts";
import { type PageFile, readPageFiles } from "./page-files.ts";
import type { Token } from "./token.ts";

/** What may be called once a request has passed the gate: given its body, it answers. */
export type Call = (response: ServerResponse, body: string) => void | Promise<void>;

const maxHeaderBytes = 8_192;
const maxBodyBytes = 1_048_576;
const maxConnections = 32;
/** For a whole head, and for a whole request. */
const headersTimeoutMs = 3_000;
const requestTimeoutMs = 10_000;

/** Serves the page and its calls on this machine's loopback, to whoever has the token. */
export class PageServer {
  readonly #server: Server;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #calls: ReadonlyMap<string, Call>;
  readonly #token: Token;
  #gate: Gate | undefined;

  constructor(token: Token, calls: ReadonlyMap<string, Call>) {
    this.#token = token;
    this.#calls = calls;
    this.#files = readPageFiles();
    this.#server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = maxConnections;
    // To look into a process must not keep it alive.
    this.#server.on("connection", (socket) => void socket.unref());
    this.#server.unref();
  }

  /** @throws SystemError `ERR_LISTEN_FAILED` */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const message = `the inspector cannot listen on 127.0.0.1: ${cause.message}`;
        reject(new SystemError("ERR_LISTEN_FAILED", message, { cause }));
      });
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = this.#server.address() as AddressInfo;
    const host = `127.0.0.1:${port}`;
    this.#gate = new Gate(host, this.#token);
    return `http://${host}/`;
  }

  /** Ends every request. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value as string);
    const call = this.#admitted(request);
    if ("status" in call) {
      refuse(response, call);
      return;
    }
    if ("file" in call) {
      response.setHeader("Content-Type", call.file.contentType);
      response.end(call.file.content);
      return;
    }
    const body = await bodyOf(request);
    if (body === undefined) refuse(response, { status: 413, text: "too large" });
    else await call.call(response, body);
  }

  #admitted(request: IncomingMessage): Refusal | { readonly file: PageFile } | { readonly call: Call } {
    const gate = this.#gate as Gate;
    const refusal = gate.refusal(request);
    if (refusal !== undefined) return refusal;
    const path = request.url ?? "";
    const file = this.#files.get(path);
    const call = this.#calls.get(path);
    if (file === undefined && call === undefined) return { status: 404, text: "no such thing" };
    if (request.method !== (file === undefined ? "POST" : "GET"))
      return { status: 405, text: "wrong method" };
    if (file !== undefined) return { file };
    return gate.callRefusal(request) ?? { call: call as Call };
  }
}

/** What is refused may still be arriving: nothing more of it is read. */
function refuse(response: ServerResponse, { status, text }: Refusal): void {
  response.statusCode = status;
  response.setHeader("Connection", "close");
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`${text}\n`);
}

/** `undefined` if it is too long, or never whole, and then nobody waits for an answer. */
function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString()));
    request.on("close", () => resolve(undefined));
    request.on("error", () => resolve(undefined));
  });
}
