"""The options of endpoints, as programs give them. Times are in seconds, as everywhere in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...errors import SealpipeError
    from ...protocol.handshake.options import ProfileChoice
    from ...protocol.native.wire.offers import ContractIdentity
    from ...transport.users import Trust
    from ..link.lost_session import LostSession
    from ..status import Status


@dataclass(frozen=True)
class Retry:
    """What a client does after it failed to connect, or has lost its connection."""

    attempt: int
    """Which try is next, counted since the client was last connected; the one that it started with is the first."""
    error: SealpipeError | None
    """Why there is to be another; ``None`` if the server ended the connection in order."""
    delay: float
    """How long the client pauses before that, in seconds."""


class EndpointOptions(TypedDict, total=False):
    """Options of both servers and clients."""

    directory: str
    """The directory of the Unix socket. Default ``"/tmp"``, where golang-ipc looks; both ends need the same. The
    absolute path of a directory that exists, or ``"runtime"``: the directory that the system gives each user for
    this, which nobody else can enter (``XDG_RUNTIME_DIR``; on macOS ``TMPDIR``). Platform: on Windows it is checked
    and not used."""
    private_directory: bool
    """Whether the socket is in a directory of this user's own inside ``directory``: ``sealpipe-`` and the user's
    number, with mode 0700, which the end that comes first makes. Default ``False``; both ends need the same, and run
    as the same user. With it they work, and are safe from other users, in a directory that anybody can write to and
    that has no sticky bit, as a volume of Kubernetes. golang-ipc's programs do not look there. Platform: on Windows it
    is checked and not used."""
    max_message_bytes: int
    """Largest ``data`` of a message, written or received. Default 3145728, at most 1073741824."""
    max_queued_bytes: int
    """Max bytes that wait on a connection, each way. Default 8388608. A message that waits to be read counts as 256
    more than its data."""
    handshake_timeout: float
    """How long a handshake may take. Default 5."""
    frame_timeout: float
    """How long one frame may take from its first byte to its last. Default 30."""
    close_timeout: float
    """How long ``close`` waits for the peer to accept each tenth of what was written. Default 5."""
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists on it; ``False`` follows the server. Default
    ``True``."""
    profile: ProfileChoice
    """The wires that this end speaks. Default ``"auto"``: sealpipe's own, ``"native"``, if the peer speaks it, too, and
    otherwise ``"classic"``, golang-ipc's. ``"native"`` and ``"classic"`` insist on one."""
    secret: str | bytes
    """Known to both ends and to nobody else: each proves to the other that it has it. 1 to 1024 bytes; text is its
    UTF-8. Default: none. With it an end speaks native and encrypted, or not at all. It must not be guessable: use 32
    random bytes."""
    secret_file: str
    """The absolute path of a file that contains the secret. The end that comes first creates it, with 32 random bytes
    that only its user can read. Platform: on Windows its owner and permissions are not checked."""
    application: str
    """What this program calls itself to a native peer, at most 255 bytes of UTF-8. Default: nothing."""
    application_version: str
    """Its version, in the same way."""
    codec: str
    """How the application encodes what it says, at most 255 bytes of UTF-8. Default: nothing."""
    contracts: Sequence[ContractIdentity]
    """The contracts that the application uses, at most 16, which a native peer learns. Default: none."""
    keepalive_interval: float
    """Native: after how long a silence to ask whether the peer is alive. Default 10; 0: never."""
    keepalive_timeout: float
    """Native: how long a peer may take to answer that. Default 10."""
    max_concurrent_requests: int
    """Native: max number of handlers of one peer's requests that run at a time. Default 256. Further requests wait."""
    max_concurrent_streams: int
    """Native: max number of streams that one peer may have opened and still open. Default 64. Further ones wait at the
    peer."""
    stream_window_bytes: int
    """Native: max bytes of a stream's items that wait to be read, each way. Default 524288; 65536 to 2147483647."""
    on_status: Callable[[Status], None] | None
    """Called with each new status. It must not block."""
    on_error: Callable[[SealpipeError], None] | None
    """Called with each error that no call reports: of a connection, or a try to connect. It must not block. A broken
    connection is reported at once, also if ``status`` shows that it is ``reconnecting`` and may go on; a server reports
    it a second time if the client does not come back. A server's refusals of unsuitable clients, such as those without
    the secret, are reported once in ten seconds, with their number."""
    on_session_lost: Callable[[LostSession], None] | None
    """Native: called if a session is lost with something under way. At a client: the server no longer has it, for
    example because it was restarted; what was not sent at all is sent now. At a server: a client did not come back in
    time. It must not block."""


class ServerOptions(EndpointOptions, total=False):
    unmask_permissions: bool
    """Whether every user of the machine may connect. Default ``False``. The socket's mode is then 0777 instead of 0600.
    Platform: refused on Windows."""
    max_connections: int
    """Max number of clients at a time, including those in the handshake. Default 1024. A further client replaces the
    oldest that is still in the handshake; if there is none, the further client is dropped. ``on_error`` reports
    each."""
    max_pending_handshakes: int
    """Max number of handshakes at a time. Default 1024. A further client replaces the oldest."""
    broadcast_grace: float
    """How long ``broadcast`` waits for a client that has no room. Default 1; 0: not at all. After that, ``broadcast``
    does not wait for that client again until it has read all that was written to it."""
    resume_window: float
    """Native: how long the server keeps the session of a client whose connection was lost. Default 30; 0: not at
    all."""
    max_detached_sessions: int
    """Native: max number of such sessions. Default 64. Beyond it those with the least standing are given up."""
    max_detached_bytes: int
    """Native: max bytes that are kept for all of them together. Default 67108864."""
    address_check_interval: float
    """How often the server checks that its socket is still at its address, and puts it back if it has vanished.
    Default 5; 0: never. If something else is there instead, ``on_error`` gets ``ERR_ADDRESS_LOST``. Platform: not
    used on Windows."""


class ClientOptions(EndpointOptions, total=False):
    trust: Trust | Sequence[int]
    """Who may own the address besides the user of this process and root: user ids, or ``"any"``. Default ``()``. The
    client then also connects to a socket of these users, in a directory of theirs. A server has no such option: it
    listens only in directories of its own user and of root. Platform: not used on Windows."""
    connect_timeout: float | None
    """How long to try to connect, and later to reconnect. Default ``None``: for ever."""
    retry_delay: float
    """Pause before the second try to connect. It doubles with each further try, but not if a server is there and
    more clients try to reach it than the system lets wait. Default 0.1. A change at the address ends the pause: a
    client is back a tenth of a second after its server. Platform: on Linux; elsewhere, and if the system does not let
    the process watch the directory, the client waits out the pause."""
    max_retry_delay: float
    """Longest pause between tries. Default 5, or ``retry_delay`` if that is more."""
    retry: bool
    """Whether to try again, and to reconnect. Default ``True``. With ``False`` there is one try, which fails at once if
    no server is there, and the client ends with its connection: ``disconnected`` if the server closed it in order."""
    on_retrying: Callable[[Retry], None] | None
    """Called before each pause between two tries, also if merely no server is there. It must not block."""
    offline_queue: bool
    """Whether messages that are written while the client reconnects wait and are sent later, in order. Default
    ``True``. With ``False`` such a write raises ``ERR_NOT_CONNECTED``, as golang-ipc's fails."""
