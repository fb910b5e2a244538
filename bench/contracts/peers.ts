import { socketPath } from "../peers/peer.ts";
import type { Checking } from "./contract.ts";
import type { Question } from "./data.ts";
import * as jsonrpc from "./jsonrpc.ts";
import * as orpc from "./orpc.ts";
import * as sealpipe from "./sealpipe.ts";
import * as trpc from "./trpc.ts";

/** A client that asks questions. */
export interface Asking {
  ask(question: Question): Promise<unknown>;
  close(): unknown;
}

/** What is measured. */
export interface Peer {
  readonly title: string;
  listen(name: string, listening: () => void): void;
  connect(name: string): Promise<Asking>;
}

const ours = (title: string, checking: Checking | sealpipe.Raw, encryption: boolean): Peer => ({
  title,
  listen: (name, listening) => sealpipe.listen(name, checking, encryption, listening),
  connect: (name) => sealpipe.connect(name, checking, encryption),
});

const on = (title: string, { listen, connect }: Pick<typeof orpc, "listen" | "connect">): Peer => ({
  title,
  listen: (name, listening) => listen(socketPath(name), listening),
  connect: (name) => connect(socketPath(name)),
});

export const peers: Readonly<Record<string, Peer>> = {
  raw: ours("a raw request of these bytes", "raw", true),
  "raw-json": ours("a raw request, JSON by hand", "raw-json", true),
  zod: ours("a contract's method, checked by zod", "zod", true),
  json: ours("the same, checked by JSON Schemas", "json", true),
  nothing: ours("the same, checked by nothing", "nothing", true),
  "raw-plain": ours("a raw request, plain", "raw", false),
  "zod-plain": ours("a contract's method, zod, plain", "zod", false),
  jsonrpc: on("vscode-jsonrpc, plain, checked by nothing", jsonrpc),
  orpc: on("oRPC on ws, plain, zod", orpc as typeof jsonrpc),
  trpc: on("tRPC on ws, plain, zod", trpc as typeof jsonrpc),
};
