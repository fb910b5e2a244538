"""When to try again, and whether."""

from __future__ import annotations

import errno
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...errors import SealpipeError


class Backoff:
    """Pauses between tries, in seconds.

    Each is twice the one before, up to the longest, less up to half of it at random, so that clients which lost the
    same server do not come back at the same instant.
    """

    def __init__(self, retry_delay: float, max_retry_delay: float, random: Callable[[], float] = random.random) -> None:
        self._retry_delay = retry_delay
        self._max_retry_delay = max_retry_delay
        self._random = random
        self._delay = retry_delay

    def next(self) -> float:
        delay = self._delay
        self._delay = min(delay * 2, self._max_retry_delay)
        return delay * (1 - self._random() / 2)

    def reset(self) -> None:
        """A try has succeeded."""
        self._delay = self._retry_delay


# The system's ways to say that a server is not there yet, too busy to be reached, or that we are short of something.
_PASSING_ERRNOS = frozenset(
    {errno.ENOENT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EAGAIN, errno.EBUSY, errno.EPIPE}
    | {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINTR}
)


_RESUMABLE_CODES = frozenset(
    {"ERR_CONNECTION_LOST", "ERR_KEEPALIVE_TIMEOUT", "ERR_FRAME_TIMEOUT", "ERR_DECRYPTION_FAILED"}
)


def is_passing(error: SealpipeError) -> bool:
    """Whether another try can go better: the server is not up yet, is busy, or was just going down."""
    if error.code == "ERR_CONNECT_FAILED":
        cause = error.__cause__
        return isinstance(cause, OSError) and cause.errno in _PASSING_ERRNOS
    return error.code in ("ERR_HANDSHAKE_TIMEOUT", "ERR_CONNECTION_LOST")


def is_resumable(error: SealpipeError | None) -> bool:
    """Whether a native session may go on after its connection was lost with this error: it broke, hung, or was tampered
    with, and the peer itself did nothing wrong."""
    return error is not None and error.code in _RESUMABLE_CODES


def is_absence(error: SealpipeError) -> bool:
    """Whether merely no server is there. That is what waiting is for, so it is not reported."""
    return error.code == "ERR_CONNECT_FAILED"


def is_crowded(error: SealpipeError) -> bool:
    """Whether a server is there, but more clients than the system lets wait are trying to reach it.

    Who then waits longer and longer between tries is never among those that get in.
    """
    cause = error.__cause__
    return is_absence(error) and isinstance(cause, OSError) and cause.errno == errno.EAGAIN
