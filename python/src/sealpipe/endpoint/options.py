"""What can be asked of an endpoint. Each option is checked once; one that is out of range or unknown raises.

Times are in seconds, as everywhere in Python.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from ..errors import CallerError, SealpipeError
from ..protocol.limits import MAX_MAX_MESSAGE_BYTES, EngineLimits
from ..transport.address import DEFAULT_DIRECTORY, Address, resolve_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..transport.trust import Trust
    from .status import Status


class EndpointOptions(TypedDict, total=False):
    """What servers and clients share."""

    directory: str
    """Where the Unix socket lies. Default ``"/tmp"``, where golang-ipc looks; both ends need the same. An absolute path
    of a directory that exists, or ``"runtime"``: the directory that the system gives each user for this, which nobody
    else can enter (``XDG_RUNTIME_DIR``; on macOS ``TMPDIR``). Platform: on Windows it is checked and not used."""
    max_message_bytes: int
    """Largest ``data`` of a message, written or received. Default 3145728, at most 1073741824."""
    max_queued_bytes: int
    """Most bytes that wait on a connection, each way. Default 8388608. A message counts with 64 more than its data."""
    handshake_timeout: float
    """How long a handshake may take. Default 5."""
    frame_timeout: float
    """How long one frame may take from its first byte to its last. Default 30."""
    close_timeout: float
    """How long ``close`` waits for a peer that takes nothing. Default 5."""
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists; ``False`` follows the server. Default ``True``."""
    on_status: Callable[[Status], None] | None
    """Called with each new status. It must not block."""
    on_error: Callable[[SealpipeError], None] | None
    """Called with what happens apart from any call: a connection that failed, a try to connect that did. It must not
    block."""


class ServerOptions(EndpointOptions, total=False):
    unmask_permissions: bool
    """Whether every user of the machine may connect. Default ``False``. The socket's mode is then 0777 instead of 0600.
    Platform: refused on Windows."""
    max_connections: int
    """Most clients at a time, those in the handshake among them. Default 1024. A further one takes the place of the
    oldest that is still in the handshake; where there is none it is dropped. ``on_error`` tells of each."""
    max_pending_handshakes: int
    """Most handshakes at a time. Default 1024. A further client takes the place of the oldest."""
    address_check_interval: float
    """How often the server looks whether its socket still lies at its address, to put it back where it has vanished.
    Default 5; 0: never. Where something else lies there instead, ``on_error`` gets ``ERR_ADDRESS_LOST``. Platform: not
    used on Windows."""


class ClientOptions(EndpointOptions, total=False):
    trust: Trust | Sequence[int]
    """Who else may hold the address, besides the user of this process and root: user ids, or ``"any"``. Default ``()``.
    The client connects to a socket of theirs, in a directory of theirs. A server has no such option: it listens only in
    directories of its own user and of root. Platform: not used on Windows."""
    connect_timeout: float | None
    """How long to try to connect, and later to reconnect. Default ``None``: for ever."""
    retry_delay: float
    """Pause before the second try to connect; it doubles with each further one, but not where a server is there and
    more clients try to reach it than the system lets wait. Default 0.1."""
    max_retry_delay: float
    """Longest pause between tries. Default 5, or ``retry_delay`` where that is more."""
    offline_queue: bool
    """Whether what is written while the client reconnects waits and is sent later, in order. Default ``True``. With
    ``False`` such a write raises ``ERR_NOT_CONNECTED``, as golang-ipc's does."""


@dataclass(frozen=True, kw_only=True)
class ParsedOptions:
    directory: str = DEFAULT_DIRECTORY
    max_message_bytes: int = EngineLimits.max_message_bytes
    max_queued_bytes: int = 8_388_608
    handshake_timeout: float = EngineLimits.handshake_timeout
    frame_timeout: float = EngineLimits.frame_timeout
    close_timeout: float = EngineLimits.close_timeout
    encryption: bool = True
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
    address_check_interval: float = 5.0


@dataclass(frozen=True, kw_only=True)
class ParsedClientOptions(ParsedOptions):
    trust: Trust = ()
    connect_timeout: float | None = None
    retry_delay: float = 0.1
    max_retry_delay: float = 5.0
    offline_queue: bool = True


# What timers of TypeScript's library take, so that a setting can be shared.
_MAX_SECONDS = 2_147_483.647


def parse_server_options(options: Mapping[str, object]) -> ParsedServerOptions:
    """Raises a CallerError ``ERR_INVALID_OPTION``."""
    return _parse(ParsedServerOptions, options)


def parse_client_options(options: Mapping[str, object]) -> ParsedClientOptions:
    """Raises a CallerError ``ERR_INVALID_OPTION``."""
    retry_delay = options.get("retry_delay")
    if "max_retry_delay" not in options and isinstance(retry_delay, int | float):
        options = {**options, "max_retry_delay": max(5.0, retry_delay)}
    parsed = _parse(ParsedClientOptions, options)
    fits = parsed.max_retry_delay >= parsed.retry_delay
    demand(fits, "max_retry_delay", "at least retry_delay", parsed.max_retry_delay)
    return parsed


def check_timeout(timeout: object) -> None:
    """For ``read`` and the like: ``None`` waits for ever, 0 not at all."""
    if timeout is not None:
        demand(_is_seconds(timeout, 0), "timeout", "None or a number of seconds from 0", timeout)


def demand(fits: bool, name: str, wanted: str, value: object) -> None:
    if not fits:
        raise CallerError("ERR_INVALID_OPTION", f"{name} must be {wanted}, not {value!r}")


P = TypeVar("P", bound=ParsedOptions)


def _parse(parsed: type[P], options: Mapping[str, object]) -> P:
    known = [field.name for field in fields(parsed)]
    for name, value in options.items():
        if name not in known:
            raise CallerError("ERR_INVALID_OPTION", f'there is no option "{name}"; there are {", ".join(known)}')
        fits, wanted = _CHECKS[name](value)
        demand(fits, name, wanted, value)
    given: dict[str, Any] = dict(options)
    if isinstance(given.get("trust"), list):
        # The caller may change a list later.
        given["trust"] = tuple(given["trust"])
    return parsed(**given)


def address_of(name: str, directory: str, trust: Trust = ()) -> Address:
    """Where endpoints with these options find that name. A server trusts nobody.

    Raises a CallerError ``ERR_INVALID_NAME`` or ``ERR_ADDRESS_TOO_LONG``; SystemError ``ERR_NO_RUNTIME_DIRECTORY``.
    """
    return resolve_address(name, directory, trust=trust)


def _is_integer(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_seconds(value: object, least: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and least <= value <= _MAX_SECONDS


_Verdict = tuple[bool, str]


def _integer_to(most: int) -> Callable[[Any], _Verdict]:
    return lambda value: (_is_integer(value, 1, most), f"an integer from 1 to {most}")


def _seconds(value: object) -> _Verdict:
    return _is_seconds(value, 0.001), f"a number of seconds from 0.001 to {_MAX_SECONDS}"


def _seconds_or_never(value: object) -> _Verdict:
    fits, wanted = _seconds(value)
    return value is None or fits, f"None or {wanted}"


def _boolean(value: object) -> _Verdict:
    return isinstance(value, bool), "True or False"


def _seconds_or_0(value: object) -> _Verdict:
    fits, wanted = _seconds(value)
    return fits or (_is_seconds(value, 0) and value == 0), f"0 or {wanted}"


def _directory(value: object) -> _Verdict:
    fits = isinstance(value, str) and value.startswith("/") and "\0" not in value
    return fits or value == "runtime", 'an absolute path or "runtime"'


# The highest is kept by the systems for 'no user'.
_MAX_UID = 2**32 - 2


def _trust(value: object) -> _Verdict:
    fits = isinstance(value, list | tuple) and all(_is_integer(uid, 0, _MAX_UID) for uid in value)
    return fits or value == "any", f'a list of user ids from 0 to {_MAX_UID} or "any"'


def _callback(value: object) -> _Verdict:
    return value is None or callable(value), "None or something that can be called"


_CHECKS: dict[str, Callable[[Any], _Verdict]] = {
    "directory": _directory,
    "trust": _trust,
    "max_message_bytes": _integer_to(MAX_MAX_MESSAGE_BYTES),
    "max_queued_bytes": _integer_to(2**53 - 1),
    "handshake_timeout": _seconds,
    "frame_timeout": _seconds,
    "close_timeout": _seconds,
    "encryption": _boolean,
    "on_status": _callback,
    "on_error": _callback,
    "unmask_permissions": _boolean,
    "max_connections": _integer_to(1_000_000),
    "max_pending_handshakes": _integer_to(1_000_000),
    "address_check_interval": _seconds_or_0,
    "connect_timeout": _seconds_or_never,
    "retry_delay": _seconds,
    "max_retry_delay": _seconds,
    "offline_queue": _boolean,
}
