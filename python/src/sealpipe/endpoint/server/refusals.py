"""Which refusals of clients a server reports."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from ...errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

_REPEATED = frozenset(
    {"ERR_AUTHENTICATION_FAILED", "ERR_ENCRYPTION_REQUIRED", "ERR_PEER_NOT_NATIVE", "ERR_VERSION_MISMATCH"}
)
"""Refusals of a client that comes back again and again, because their cause does not pass by itself."""
_QUIET = 10.0
"""Each of these is reported once in this time, in seconds."""


@dataclass
class _Told:
    at: float
    untold: int = 0


class Refusals:
    """A client that is refused and comes back at once must not fill a log."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._told: dict[str, _Told] = {}

    def worth_telling(self, error: PeerError) -> PeerError | None:
        """The error to report, with the number of unreported ones of its kind; ``None`` if that kind was just
        reported."""
        if error.code not in _REPEATED:
            return error
        last = self._told.get(error.code)
        now = self._now()
        if last is not None and now - last.at < _QUIET:
            last.untold += 1
            return None
        self._told[error.code] = _Told(now)
        if last is None or last.untold == 0:
            return error
        message = f"{error.message}; {last.untold} more of this kind were refused since that was last told"
        return PeerError(error.code, message, error)
