import type { GoPeer, Program, PythonPeer } from "./process/process.ts";

/** One row of the table: what runs at each end. */
export interface Row {
  readonly id: string;
  readonly label: string;
  readonly encrypted: boolean;
  /**
   * How an answer finds its request: by the peer itself, or by a number that the benchmark puts before each message.
   */
  readonly requests: "own" | "by hand";
  readonly server: Program;
  readonly client: Program;
  /** A server of one client, or a row that is not about connections: no connects, no fan-out, no idle connections. */
  readonly oneClient?: boolean;
  readonly forksClient?: boolean;
  /** A row that a build without it leaves out, and says so. */
  readonly optional?: boolean;
  readonly note?: string;
}

type Both = Omit<Row, "server" | "client" | "requests" | "encrypted"> &
  Partial<Pick<Row, "requests" | "encrypted">>;

const node = (file: string, options: Record<string, unknown> = {}): Program => ({
  kind: "node",
  file,
  options,
});
const go = (encryption: boolean, peer: GoPeer = "golang-ipc"): Program => ({ kind: "go", peer, encryption });

const python = (peer: PythonPeer, options: Record<string, unknown> = {}): Program => ({
  kind: "python",
  peer,
  options,
});

function both(program: Program, row: Both): Row {
  return { encrypted: false, requests: "by hand", ...row, server: program, client: program };
}

/** The row with which all others are compared, in the same sitting. */
export const limit: Row = both(node("raw-net", { coalesces: true }), {
  id: "raw-net",
  label: "raw `net`, writes coalesced",
  note: "length prefixes and nothing else; small messages of one turn of the event loop share a write",
});

const classic = { encryption: true, profile: "classic" };
const native = { encryption: true, profile: "native" };

export const rows: readonly Row[] = [
  limit,
  both(node("raw-net", { coalesces: false }), {
    id: "raw-net-each",
    label: "raw `net`, one write each",
    note: "length prefixes; one write for each message",
  }),
  both(node("sealpipe", native), {
    id: "sealpipe-native",
    label: "**sealpipe** native",
    encrypted: true,
    requests: "own",
    optional: true,
  }),
  both(node("sealpipe", { ...native, releases: true }), {
    id: "sealpipe-native-released",
    label: "**sealpipe** native, released",
    encrypted: true,
    requests: "own",
    optional: true,
    note: "`release()` for each message that was read",
  }),
  both(node("sealpipe", { ...native, encryption: false }), {
    id: "sealpipe-native-plain",
    label: "**sealpipe** native, plain",
    requests: "own",
    optional: true,
  }),
  both(node("sealpipe", { ...native, observed: true }), {
    id: "sealpipe-native-observed",
    label: "**sealpipe** native, observed",
    encrypted: true,
    requests: "own",
    optional: true,
    note: "each channel of diagnostics has a subscriber that does nothing",
  }),
  both(node("sealpipe-stream", { encryption: true }), {
    id: "sealpipe-stream",
    label: "**sealpipe** native, a stream",
    encrypted: true,
    oneClient: true,
    note: "each message is an item of one stream",
  }),
  both(node("sealpipe-stream", { encryption: true, releases: true }), {
    id: "sealpipe-stream-released",
    label: "**sealpipe** native, a stream, released",
    encrypted: true,
    oneClient: true,
    note: "`release()` for each item that was read",
  }),
  both(node("sealpipe-stream"), {
    id: "sealpipe-stream-plain",
    label: "**sealpipe** native, a stream, plain",
    oneClient: true,
  }),
  both(node("sealpipe", classic), {
    id: "sealpipe-classic",
    label: "**sealpipe** classic",
    encrypted: true,
  }),
  both(node("sealpipe", { ...classic, encryption: false }), {
    id: "sealpipe-classic-plain",
    label: "**sealpipe** classic, plain",
  }),
  {
    id: "sealpipe-to-go",
    label: "**sealpipe** client, golang-ipc server",
    encrypted: true,
    requests: "by hand",
    server: go(true),
    client: node("sealpipe", classic),
    oneClient: true,
  },
  {
    id: "go-to-sealpipe",
    label: "golang-ipc client, **sealpipe** server",
    encrypted: true,
    requests: "by hand",
    server: node("sealpipe", classic),
    client: go(true),
    oneClient: true,
  },
  both(go(true), { id: "golang-ipc", label: "golang-ipc", encrypted: true, oneClient: true }),
  both(go(false), { id: "golang-ipc-plain", label: "golang-ipc, plain", oneClient: true }),
  both(go(true, "sealpipe"), {
    id: "sealpipe-in-go",
    label: "**sealpipe** in Go",
    encrypted: true,
    requests: "own",
    oneClient: true,
  }),
  both(go(true, "sealpipe-released"), {
    id: "sealpipe-in-go-released",
    label: "**sealpipe** in Go, released",
    encrypted: true,
    requests: "own",
    oneClient: true,
    note: "`Release()` for each message that was read",
  }),
  both(go(false, "sealpipe-released"), {
    id: "sealpipe-in-go-plain",
    label: "**sealpipe** in Go, plain, released",
    requests: "own",
    oneClient: true,
  }),
  {
    id: "sealpipe-node-to-go",
    label: "**sealpipe** client, **sealpipe** server in Go",
    encrypted: true,
    requests: "own",
    server: go(true, "sealpipe"),
    client: node("sealpipe", native),
    oneClient: true,
  },
  {
    id: "sealpipe-go-to-node",
    label: "**sealpipe** client in Go, **sealpipe** server",
    encrypted: true,
    requests: "own",
    server: node("sealpipe", native),
    client: go(true, "sealpipe"),
    oneClient: true,
  },
  both(go(false, "grpc"), {
    id: "grpc-go",
    label: "gRPC in Go",
    requests: "own",
    oneClient: true,
    note: "over a Unix socket: messages on one stream, requests as unary calls",
  }),
  both(go(false, "raw"), {
    id: "raw-go",
    label: "raw `net.UnixConn` in Go",
    oneClient: true,
    note: "length prefixes and nothing else; one write for each message",
  }),
  both(go(true, "raw"), {
    id: "raw-go-sealed",
    label: "raw `net.UnixConn` in Go, sealed",
    encrypted: true,
    oneClient: true,
    note: "the same with AES-256-GCM for each message, under a key that both know: what encryption alone costs",
  }),
  both(python("sealpipe-asyncio"), {
    id: "sealpipe-python-asyncio",
    label: "**sealpipe** in Python, asyncio",
    encrypted: true,
    oneClient: true,
  }),
  both(python("sealpipe"), {
    id: "sealpipe-python-blocking",
    label: "**sealpipe** in Python, blocking",
    encrypted: true,
    oneClient: true,
  }),
  both(python("websockets"), {
    id: "websockets",
    label: "websockets in Python",
    oneClient: true,
    note: "on asyncio, over a Unix socket, without compression",
  }),
  both(python("multiprocessing"), {
    id: "multiprocessing",
    label: "multiprocessing.connection in Python",
    oneClient: true,
    note: "over a Unix socket; a message is a call of `send_bytes`",
  }),
  both(node("sealpipe-nats"), {
    id: "sealpipe-nats",
    label: "**sealpipe** over NATS",
    encrypted: true,
    requests: "own",
    oneClient: true,
    note: "through one nats-server, over TCP on this machine, as the next row",
  }),
  both(node("nats"), {
    id: "nats",
    label: "NATS",
    requests: "own",
    oneClient: true,
    note: "`publish`, and `request` for requests; after each MiB the sender waits until it has arrived",
  }),
  both(node("zeromq", { curve: true }), { id: "zeromq-curve", label: "zeromq, CURVE", encrypted: true }),
  both(node("zeromq"), { id: "zeromq", label: "zeromq" }),
  both(node("node-ipc"), { id: "node-ipc", label: "node-ipc" }),
  both(node("node-ipc", { module: "@achrinza/node-ipc" }), { id: "achrinza", label: "@achrinza/node-ipc" }),
  both(node("net-ipc"), { id: "net-ipc", label: "net-ipc", requests: "own", note: "with MessagePack" }),
  both(node("vscode-jsonrpc"), { id: "vscode-jsonrpc", label: "vscode-jsonrpc", requests: "own" }),
  both(node("ws"), { id: "ws", label: "ws", note: "over a Unix socket, without compression" }),
  both(node("grpc"), {
    id: "grpc-js",
    label: "@grpc/grpc-js, a stream",
    oneClient: true,
    note: "a bidirectional stream over a Unix socket, with bytes as they are",
  }),
  both(node("child-process"), {
    id: "child-process",
    label: "child_process",
    oneClient: true,
    forksClient: true,
    note: "Node's own channel, with advanced serialization",
  }),
];

/** Whether both ends are programs that can load the library from another package. */
export function loadsLibrary({ server, client }: Row): boolean {
  return [server, client].every(
    (program) => program.kind === "node" && /^sealpipe(-stream)?$/.test(program.file),
  );
}

/** The same row with the library of the package in `directory`, if {@link loadsLibrary}. */
export function ofPackage(row: Row, directory: string): Row {
  const load = (program: Program): Program =>
    program.kind === "node" ? { ...program, options: { ...program.options, package: directory } } : program;
  return { ...row, server: load(row.server), client: load(row.client) };
}
