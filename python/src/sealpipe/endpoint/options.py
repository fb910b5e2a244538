"""The options of endpoints. Each is checked once; one that is out of range or unknown raises.

Times are in seconds, as everywhere in Python.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ..errors import CallerError, SealpipeError
from ..protocol.limits import MAX_MAX_MESSAGE_BYTES, MAX_SECRET_BYTES, EngineLimits
from ..protocol.native.keepalive import KeepaliveLimits
from ..protocol.native.wire.hello_fields import MAX_TEXT_BYTES
from ..protocol.native.wire.lanes import MAX_WINDOW, MIN_WINDOW
from ..protocol.native.wire.offers import CONTRACT_HASH_BYTES, MAX_CONTRACTS, ContractIdentity
from ..transport.address import DEFAULT_DIRECTORY, Address, resolve_address
from ..transport.users import own_uid
from .option_checks import MIN_SECONDS, SECONDS, demand, is_seconds
from .secret_file import read_secret_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..protocol.handshake.options import ProfileChoice
    from ..transport.users import Trust
    from .lost_session import LostSession
    from .status import Status


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
    """Called with each error that no call reports: of a connection, or a try to connect. It must not block."""
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


@dataclass(frozen=True, kw_only=True)
class ParsedOptions:
    directory: str = DEFAULT_DIRECTORY
    private_directory: bool = False
    max_message_bytes: int = EngineLimits.max_message_bytes
    max_queued_bytes: int = 8_388_608
    handshake_timeout: float = EngineLimits.handshake_timeout
    frame_timeout: float = EngineLimits.frame_timeout
    close_timeout: float = EngineLimits.close_timeout
    encryption: bool = True
    profile: ProfileChoice = "auto"
    secret: bytes | None = field(default=None, repr=False)
    secret_file: str | None = None
    application: str = ""
    application_version: str = ""
    codec: str = ""
    contracts: tuple[ContractIdentity, ...] = ()
    keepalive_interval: float = KeepaliveLimits.keepalive_interval
    keepalive_timeout: float = KeepaliveLimits.keepalive_timeout
    max_concurrent_requests: int = 256
    max_concurrent_streams: int = 64
    stream_window_bytes: int = 524_288
    on_session_lost: Callable[[LostSession], None] | None = None
    on_status: Callable[[Status], None] | None = None
    on_error: Callable[[SealpipeError], None] | None = None

    @property
    def limits(self) -> EngineLimits:
        return EngineLimits(
            max_message_bytes=self.max_message_bytes,
            handshake_timeout=self.handshake_timeout,
            frame_timeout=self.frame_timeout,
            close_timeout=self.close_timeout,
        )


@dataclass(frozen=True, kw_only=True)
class ParsedServerOptions(ParsedOptions):
    unmask_permissions: bool = False
    max_connections: int = 1_024
    max_pending_handshakes: int = 1_024
    broadcast_grace: float = 1.0
    resume_window: float = 30.0
    max_detached_sessions: int = 64
    max_detached_bytes: int = 67_108_864
    address_check_interval: float = 5.0


@dataclass(frozen=True, kw_only=True)
class ParsedClientOptions(ParsedOptions):
    trust: Trust = ()
    connect_timeout: float | None = None
    retry_delay: float = 0.1
    max_retry_delay: float = 5.0
    retry: bool = True
    on_retrying: Callable[[Retry], None] | None = None
    offline_queue: bool = True


def parse_server_options(options: Mapping[str, object]) -> ParsedServerOptions:
    """Raises a CallerError ``ERR_INVALID_OPTION``."""
    parsed = _parse(ParsedServerOptions, options)
    lets_others_in = not (parsed.private_directory and parsed.unmask_permissions)
    demand(lets_others_in, "unmask_permissions", "False in a private directory, which no other user can enter", True)
    return parsed


def parse_client_options(options: Mapping[str, object]) -> ParsedClientOptions:
    """Raises a CallerError ``ERR_INVALID_OPTION``."""
    retry_delay = options.get("retry_delay")
    if "max_retry_delay" not in options and isinstance(retry_delay, int | float):
        options = {**options, "max_retry_delay": max(5.0, retry_delay)}
    parsed = _parse(ParsedClientOptions, options)
    fits = parsed.max_retry_delay >= parsed.retry_delay
    demand(fits, "max_retry_delay", "at least retry_delay", parsed.max_retry_delay)
    return parsed


P = TypeVar("P", bound=ParsedOptions)

_HIDDEN = frozenset({"secret", "secret_file"})
"""Their values are not shown: that of a file may be the secret, by mistake."""


def _parse(parsed: type[P], options: Mapping[str, object]) -> P:
    known = [field.name for field in fields(parsed)]
    for name, value in options.items():
        if name not in known:
            raise CallerError("ERR_INVALID_OPTION", f'there is no option "{name}"; there are {", ".join(known)}')
        fits, wanted = _CHECKS[name](value)
        if not fits and name in _HIDDEN:
            raise CallerError("ERR_INVALID_OPTION", f"{name} must be {wanted}")
        demand(fits, name, wanted, value)
    given: dict[str, Any] = dict(options)
    for name in ("trust", "contracts"):
        if isinstance(given.get(name), list):
            # The caller may change a list later.
            given[name] = tuple(given[name])
    if "secret" in given:
        secret = given["secret"]
        given["secret"] = secret.encode() if isinstance(secret, str) else bytes(secret)
    return _without_conflict(parsed(**given))


def _without_conflict(options: P) -> P:
    """A secret, or its file, implies encryption and the native profile."""
    if options.secret is None and options.secret_file is None:
        return options
    name = "secret_file" if options.secret is None else "secret"
    conflicts = {
        "secret_file: give one of them": options.secret is not None and options.secret_file is not None,
        'profile "classic": golang-ipc\'s protocol has no place for it': options.profile == "classic",
        "encryption False: it is what the keys are made with": not options.encryption,
    }
    for conflict, applies in conflicts.items():
        if applies:
            raise CallerError("ERR_INVALID_OPTION", f"{name} does not go together with {conflict}")
    return options


def with_secret(options: P) -> P:
    """The same options with the secret in place of its file, which is created if there is none yet.

    Raises a SystemError ``ERR_SECRET_FILE``."""
    if options.secret_file is None:
        return options
    return replace(options, secret=read_secret_file(options.secret_file), secret_file=None)


def address_of(name: str, options: ParsedServerOptions | ParsedClientOptions) -> Address:
    """The address of ``name`` with these options. A server trusts nobody.

    Raises a CallerError ``ERR_INVALID_NAME`` or ``ERR_ADDRESS_TOO_LONG``; SystemError ``ERR_NO_RUNTIME_DIRECTORY``.
    """
    trust = options.trust if isinstance(options, ParsedClientOptions) else ()
    private_to = own_uid() if options.private_directory and sys.platform != "win32" else None
    return resolve_address(name, options.directory, private_to=private_to, trust=trust)


def _is_integer(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


_Verdict = tuple[bool, str]


def _integer_to(most: int) -> Callable[[Any], _Verdict]:
    return lambda value: (_is_integer(value, 1, most), f"an integer from 1 to {most}")


def _seconds(value: object) -> _Verdict:
    return is_seconds(value, MIN_SECONDS), SECONDS


def _seconds_or_never(value: object) -> _Verdict:
    fits, wanted = _seconds(value)
    return value is None or fits, f"None or {wanted}"


def _boolean(value: object) -> _Verdict:
    return isinstance(value, bool), "True or False"


def _seconds_or_0(value: object) -> _Verdict:
    fits, wanted = _seconds(value)
    return fits or (is_seconds(value, 0) and value == 0), f"0 or {wanted}"


def _directory(value: object) -> _Verdict:
    fits = isinstance(value, str) and value.startswith("/") and "\0" not in value
    return fits or value == "runtime", 'an absolute path or "runtime"'


# The next higher one is reserved for 'no user'.
_MAX_UID = 2**32 - 2


def _trust(value: object) -> _Verdict:
    fits = isinstance(value, list | tuple) and all(_is_integer(uid, 0, _MAX_UID) for uid in value)
    return fits or value == "any", f'a list of user ids from 0 to {_MAX_UID} or "any"'


def _profile(value: object) -> _Verdict:
    return value in ("auto", "classic", "native"), '"auto", "classic" or "native"'


def _secret(value: object) -> _Verdict:
    try:
        count = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0
    except UnicodeEncodeError:
        count = 0
    return 1 <= count <= MAX_SECRET_BYTES, f"text or bytes, of 1 to {MAX_SECRET_BYTES} bytes"


def _path(value: object) -> _Verdict:
    fits = isinstance(value, str) and os.path.isabs(value) and "\0" not in value
    return fits, "the absolute path of a file"


def _short_text(value: object) -> _Verdict:
    try:
        fits = isinstance(value, str) and len(value.encode()) <= MAX_TEXT_BYTES
    except UnicodeEncodeError:
        fits = False
    return fits, f"a string of at most {MAX_TEXT_BYTES} bytes of UTF-8"


def _window(value: object) -> _Verdict:
    return _is_integer(value, MIN_WINDOW, MAX_WINDOW), f"an integer from {MIN_WINDOW} to {MAX_WINDOW}"


def _contracts(value: object) -> _Verdict:
    each = tuple(value) if isinstance(value, list | tuple) else None
    fits = each is not None and len(each) <= MAX_CONTRACTS and all(map(_is_identity, each))
    fits = fits and len({contract.name for contract in each or ()}) == len(each or ())
    return fits, f"at most {MAX_CONTRACTS} ContractIdentity with different names, of 1 to 255 bytes, and hashes of 32"


def _is_identity(value: object) -> bool:
    if not isinstance(value, ContractIdentity) or value.name == "":
        return False
    is_hash = isinstance(value.hash, bytes) and len(value.hash) == CONTRACT_HASH_BYTES
    return is_hash and _short_text(value.name)[0] and _short_text(value.version)[0]


def _callback(value: object) -> _Verdict:
    return value is None or callable(value), "None or something that can be called"


_CHECKS: dict[str, Callable[[Any], _Verdict]] = {
    "directory": _directory,
    "private_directory": _boolean,
    "trust": _trust,
    "max_message_bytes": _integer_to(MAX_MAX_MESSAGE_BYTES),
    "max_queued_bytes": _integer_to(2**53 - 1),
    "handshake_timeout": _seconds,
    "frame_timeout": _seconds,
    "close_timeout": _seconds,
    "encryption": _boolean,
    "profile": _profile,
    "secret": _secret,
    "secret_file": _path,
    "application": _short_text,
    "application_version": _short_text,
    "codec": _short_text,
    "contracts": _contracts,
    "keepalive_interval": _seconds_or_0,
    "keepalive_timeout": _seconds,
    "max_concurrent_requests": _integer_to(1_000_000),
    "max_concurrent_streams": _integer_to(1_000_000),
    "stream_window_bytes": _window,
    "resume_window": _seconds_or_0,
    "max_detached_sessions": _integer_to(1_000_000),
    "max_detached_bytes": _integer_to(2**53 - 1),
    "on_session_lost": _callback,
    "on_status": _callback,
    "on_error": _callback,
    "unmask_permissions": _boolean,
    "max_connections": _integer_to(1_000_000),
    "max_pending_handshakes": _integer_to(1_000_000),
    "broadcast_grace": _seconds_or_0,
    "address_check_interval": _seconds_or_0,
    "connect_timeout": _seconds_or_never,
    "retry_delay": _seconds,
    "max_retry_delay": _seconds,
    "retry": _boolean,
    "on_retrying": _callback,
    "offline_queue": _boolean,
}
