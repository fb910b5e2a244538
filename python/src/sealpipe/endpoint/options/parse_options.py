"""Options as endpoints use them. Each is checked once; one that is out of range or unknown raises."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import CallerError
from ...protocol.limits import MAX_MAX_MESSAGE_BYTES, EngineLimits
from ...protocol.native.keepalive import KeepaliveLimits
from ...transport.address import DEFAULT_DIRECTORY
from ..call_options import demand
from . import option_checks as checks
from .secret import secret_bytes, without_conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...errors import SealpipeError
    from ...protocol.handshake.options import ProfileChoice
    from ...protocol.native.wire.offers import ContractIdentity
    from ...transport.users import Trust
    from ..link.lost_session import LostSession
    from ..status import Status
    from .options import Retry


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
        given["secret"] = secret_bytes(given["secret"])
    return without_conflict(parsed(**given))


_CHECKS: dict[str, Callable[[Any], checks.Verdict]] = {
    "directory": checks.directory,
    "private_directory": checks.boolean,
    "trust": checks.trust,
    "max_message_bytes": checks.integer_to(MAX_MAX_MESSAGE_BYTES),
    "max_queued_bytes": checks.integer_to(2**53 - 1),
    "handshake_timeout": checks.seconds,
    "frame_timeout": checks.seconds,
    "close_timeout": checks.seconds,
    "encryption": checks.boolean,
    "profile": checks.profile,
    "secret": checks.secret,
    "secret_file": checks.path,
    "application": checks.short_text,
    "application_version": checks.short_text,
    "codec": checks.short_text,
    "contracts": checks.contracts,
    "keepalive_interval": checks.seconds_or_0,
    "keepalive_timeout": checks.seconds,
    "max_concurrent_requests": checks.integer_to(1_000_000),
    "max_concurrent_streams": checks.integer_to(1_000_000),
    "stream_window_bytes": checks.window,
    "resume_window": checks.seconds_or_0,
    "max_detached_sessions": checks.integer_to(1_000_000),
    "max_detached_bytes": checks.integer_to(2**53 - 1),
    "on_session_lost": checks.callback,
    "on_status": checks.callback,
    "on_error": checks.callback,
    "unmask_permissions": checks.boolean,
    "max_connections": checks.integer_to(1_000_000),
    "max_pending_handshakes": checks.integer_to(1_000_000),
    "broadcast_grace": checks.seconds_or_0,
    "address_check_interval": checks.seconds_or_0,
    "connect_timeout": checks.seconds_or_never,
    "retry_delay": checks.seconds,
    "max_retry_delay": checks.seconds,
    "retry": checks.boolean,
    "on_retrying": checks.callback,
    "offline_queue": checks.boolean,
}
