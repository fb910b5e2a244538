import type { ContractIdentity } from "../../protocol/native/wire/offers.ts";
import type { MakeDuplex } from "../../transport/handed-in.ts";
import type { Trust } from "../../transport/trust.ts";

export type { MakeDuplex, Trust };

/** Options of both servers and clients. Each is checked once; one that is out of range or unknown throws. */
export interface EndpointOptions {
  /**
   * The directory of the Unix socket. Default `"/tmp"`, where golang-ipc looks; both ends need the same. The absolute
   * path of a directory that exists, or `"runtime"`: the directory that the system gives each user for this, which
   * nobody else can enter. Platform: `"runtime"` is `XDG_RUNTIME_DIR` on Linux and the BSDs, which has to be the
   * user's own with mode 0700, and `TMPDIR` on macOS, likewise. On Windows, where pipes have no directory, it is
   * checked and not used.
   */
  readonly directory?: "runtime" | (string & {}) | undefined;
  /**
   * Whether the socket is in a directory of this user's own inside `directory`: `sealpipe-` and the user's number, with mode
   * 0700, which the end that comes first makes. Default `false`; both ends need the same, and run as the same user. With it
   * they work, and are safe from other users, in a directory that anybody can write to and that has no sticky bit, as a volume
   * of Kubernetes. golang-ipc's programs do not look there. Platform: on Windows it is checked and not used.
   */
  readonly privateDirectory?: boolean | undefined;
  /** Largest `data` of a message, in bytes, written or received. Default 3145728, at most 1073741824. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Max memory that waits on a connection, in bytes, each way: to be sent, and to be read by the application. Default
   * 8388608. While it waits to be sent, a message counts as some 70 bytes more than its data; requests are counted
   * separately, up to the same bound. While it waits to be read, a message counts as 256 bytes more than its data on
   * golang-ipc's wire; on the native wire a quarter of this may wait, counted as at the sender.
   */
  readonly maxQueuedBytes?: number | undefined;
  /** How long a handshake may take, in milliseconds. Default 5000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * How long one frame may take from its first byte to its last, in milliseconds. On sealpipe's own wire, where a
   * large message is several frames, this is the time for each tenth of the message, and does not run while the
   * application does not read what came before. Default 30000.
   */
  readonly frameTimeoutMs?: number | undefined;
  /**
   * How long `close` waits for the peer to accept each tenth of what was written before, in milliseconds; the close
   * takes at most ten times that. Default 5000.
   */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * The wire. Default `"auto"`: sealpipe's own if the other end is sealpipe, too, golang-ipc's otherwise.
   * `"classic"`: golang-ipc's always. `"native"`: sealpipe's always; another peer is refused with
   * `ERR_PEER_NOT_NATIVE`.
   */
  readonly profile?: "auto" | "classic" | "native" | undefined;
  /**
   * A secret of the two ends, by which they authenticate each other: text or bytes, 1 to 1024 bytes long. It must not
   * be guessable, so use for example 32 random bytes. With it the end speaks only sealpipe's own wire, encrypted; an
   * end with another secret, or with none, is refused with `ERR_AUTHENTICATION_FAILED`.
   */
  readonly secret?: string | Uint8Array | undefined;
  /**
   * The absolute path of a file with such a secret. It is read once: when the server starts, or before the client's first
   * try to connect. If there is no such file, the end that starts first creates it, with 32 random bytes and the mode
   * 0600. A file that belongs to a user other than this process's or root, that others may read or write, that is a
   * symbolic link, or whose path another user can change is refused with `ERR_SECRET_FILE`. Platform: on Windows none of
   * this is checked; put the file where only your user can read it.
   */
  readonly secretFile?: string | undefined;
  /**
   * By what the two ends of a connection that is not made at an address know each other: by a client's `transport` or `via`,
   * or a server's `accept`. Default `"secret"`: it needs a `secret`, because nobody has looked at the owner of a socket.
   * `"transport"` refuses that: whoever is at the other end of what the program hands in is right, as with ssh, which has
   * checked the host and the user, or a process that the program has started itself. It does not go together with a secret.
   */
  readonly authenticatedBy?: "secret" | "transport" | undefined;
  /**
   * Whether runs of short messages are sealed and opened by the library's own AES-GCM, which is much faster than one
   * of the platform's cipher objects for each. Default `true`, unless the environment variable
   * `SEALPIPE_BATCH_CIPHER` is `0`, which turns it off for all endpoints of the process. The wire is the same.
   */
  readonly batchCipher?: boolean | undefined;
  /**
   * After how long a silence of a native peer to ask it whether it is alive, in milliseconds. Default 10000; 0:
   * never.
   */
  readonly keepaliveIntervalMs?: number | undefined;
  /** How long a native peer may take to answer that question, in milliseconds. Default 10000. */
  readonly keepaliveTimeoutMs?: number | undefined;
  /** This program's name, which a native peer sees: at most 255 bytes of UTF-8. Default `""`. */
  readonly application?: string | undefined;
  /** This program's version, which a native peer sees: at most 255 bytes of UTF-8. Default `""`. */
  readonly applicationVersion?: string | undefined;
  /**
   * The name of this program's encoding, which a native peer sees: at most 255 bytes of UTF-8. Default `""`. The
   * library only carries it; `sealpipe/contract` sets it.
   */
  readonly codec?: string | undefined;
  /**
   * The contracts of this program, which a native peer sees: at most 16. Default `[]`. The library only carries them;
   * `sealpipe/contract` sets them.
   */
  readonly contracts?: readonly ContractIdentity[] | undefined;
  /**
   * Max number of request handlers that run at a time, for each connection. Default 256. Further requests wait, in
   * order.
   */
  readonly maxConcurrentRequests?: number | undefined;
  /** Most streams that each peer may have open at a time of those that it opened. Default 64. Further ones wait at the peer. */
  readonly maxConcurrentStreams?: number | undefined;
  /**
   * Most bytes of each stream that the peer may send before they are read, 65536 to 2147483647. Default 524288. The last item
   * may go beyond it.
   */
  readonly streamWindowBytes?: number | undefined;
  /**
   * How long a request without a `timeoutMs` of its own waits for its answer, in milliseconds. Default 0: for ever,
   * also while there is no connection.
   */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * Whether the message of an error that a handler throws is sent to the peer together with its stack. Default
   * `false`: the stack shows details of the program.
   */
  readonly exposeStacks?: boolean | undefined;
}

/** Options of `startServer`. */
export interface ServerOptions extends EndpointOptions {
  /**
   * Whether the server listens at its address. Default `true`. With `false` it has none, and its clients are those whose
   * duplexes `accept` gets.
   */
  readonly listen?: boolean | undefined;
  /** Whether the server encrypts. Default `true`. Without it, clients that insist on encryption refuse the server. */
  readonly encryption?: boolean | undefined;
  /**
   * A descriptor on which the server is to listen, instead of making a socket: one that a supervisor has handed over, which
   * belongs to the server from then on. It has to listen at the address of the name. `"systemd"`: the one that systemd has handed
   * over for that address, if it has; otherwise the server listens itself. The socket's file, its owner and its mode are not the
   * server's then: it neither removes nor restores the file, but refuses one that other users may write to, unless
   * `unmaskPermissions` is `true`. Default: none. Platform: refused on Windows; `"systemd"` finds nothing but on Linux.
   */
  readonly fd?: number | "systemd" | undefined;
  /**
   * Whether every user of the machine may connect, not only the server's. Default `false`. The socket's mode is then
   * 0777 instead of 0600. Platform: on Windows the pipe can then be read and written by all users.
   */
  readonly unmaskPermissions?: boolean | undefined;
  /**
   * How often the server checks that its socket is still at its address, in milliseconds. If the socket has vanished,
   * the server puts it back; if something else is there instead, there is an `error` event with `ERR_ADDRESS_LOST`.
   * Default 5000; 0: never. Platform: not used on Windows.
   */
  readonly addressCheckIntervalMs?: number | undefined;
  /**
   * Max number of clients at a time, including those in the handshake, but not sessions without a connection. Default
   * 1024. A further client replaces the oldest that is still in the handshake; if there is none, the further client
   * is dropped. Each dropped client is reported by an `error` event.
   */
  readonly maxConnections?: number | undefined;
  /**
   * Max number of handshakes at a time. Default 1024. A further client replaces the oldest, which an `error` event
   * reports.
   */
  readonly maxPendingHandshakes?: number | undefined;
  /**
   * How long a native client whose connection was lost may take to come back and resume its session, in milliseconds.
   * Default 30000; with 0 its session ends with the connection.
   */
  readonly resumeWindowMs?: number | undefined;
  /**
   * Max number of sessions that wait for their client to come back. Default 64. Beyond that the server gives up those
   * with the least standing: the time for which a session had lasted, times the bytes acknowledged in it. Of equals
   * the one that was lost first goes.
   */
  readonly maxDetachedSessions?: number | undefined;
  /**
   * Max number of bytes that wait for such clients, all together. Default 67108864. Beyond that the server gives up
   * the sessions with the least standing per waiting byte.
   */
  readonly maxDetachedBytes?: number | undefined;
  /**
   * How long `broadcast` waits for a client that has no room, in milliseconds. Default 1000; 0: not at all. After
   * that, `broadcast` does not wait for that client again until it has read all that was written to it.
   */
  readonly broadcastGraceMs?: number | undefined;
}

/** Options of `startClient`. */
export interface ClientOptions extends EndpointOptions {
  /**
   * Whether the client insists on encryption. Default `true`: a server without it is refused. With `false` the client
   * follows the server.
   */
  readonly encryption?: boolean | undefined;
  /**
   * Who may own the address besides the user of this process and root: a list of user ids, or `"any"`. Default `[]`.
   * The client then also connects to a socket of these users, in a directory of theirs. A server has no such option:
   * it listens only in directories of its own user and of root. Platform: not used on Windows.
   */
  readonly trust?: Trust | undefined;
  /**
   * Whether to try again. Default `true`. With `false` there is one try: if it fails, `startClient` rejects at once,
   * with `ERR_CONNECT_FAILED` if no server is there; and when the connection ends, so does the client, with the
   * status `disconnected` or `error`.
   */
  readonly retry?: boolean | undefined;
  /** How long to try to connect, and later to reconnect, in milliseconds. Default 0: for ever. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Pause before the second try to connect, in milliseconds. It doubles with each further try, but not if a server is
   * there and more clients try to reach it than the system lets wait. Default 100. A change at the address ends the
   * pause: a client is back a tenth of a second after its server. Platform: on Windows, and if the system does not
   * let the process watch the directory, the client waits out the pause.
   */
  readonly retryDelayMs?: number | undefined;
  /** Longest pause between tries, in milliseconds. Default 5000, or `retryDelayMs` if that is more. */
  readonly maxRetryDelayMs?: number | undefined;
  /**
   * Whether messages that are written while the client reconnects wait and are sent later, in order. Default `true`.
   * With `false` such a write throws `ERR_NOT_CONNECTED`, as golang-ipc's fails.
   */
  readonly offlineQueue?: boolean | undefined;
  /**
   * Makes the duplex stream through which the client talks to its server, instead of a socket at an address: a new one for
   * each try to connect. Its `signal` aborts when the client does not want it any more. The server has to be
   * heard within `handshakeTimeoutMs`. If it is not, or the function throws or rejects, or the stream ends before, the client tries
   * again after a pause. Needs a `secret`, see `authenticatedBy`, and does not go together with `directory`, `privateDirectory` and
   * `trust`.
   */
  readonly transport?: MakeDuplex | undefined;
  /**
   * A command, as the program and its arguments, through whose standard input and output the client talks to its server,
   * such as `["ssh", "-T", host, "sealpipe", "dial", "my-app"]`. It is run without a shell, anew for each try to connect. Its server
   * has 30 seconds to be heard, or `handshakeTimeoutMs` if that is more. Needs a `secret`, and excludes other options, as
   * `transport` does.
   */
  readonly via?: readonly string[] | undefined;
  /** Ends the first try to connect; `startClient` rejects with its reason. Not used once connected. */
  readonly signal?: AbortSignal | undefined;
}
