"""Checks of what callers give. Each raises a CallerError ``ERR_INVALID_OPTION``.

Times are in seconds, as everywhere in Python."""

from __future__ import annotations

import math
from typing import Literal

from ..errors import CallerError

Slow = Literal["skip", "drop", "wait"]
"""What happens to a client of a broadcast for which ``max_queued_bytes`` wait."""

# The max of the TypeScript library's timers, so that a setting can be shared.
MAX_SECONDS = 2_147_483.647
MIN_SECONDS = 0.001
SECONDS = f"a number of seconds from {MIN_SECONDS} to {MAX_SECONDS}"


def check_timeout(timeout: object) -> None:
    """For ``read`` and the like: ``None`` waits for ever, 0 not at all."""
    if timeout is not None:
        demand(is_seconds(timeout, 0), "timeout", "None or a number of seconds from 0", timeout)


def check_slow(slow: object) -> None:
    """For ``broadcast``. Raises a CallerError ``ERR_INVALID_OPTION``."""
    demand(slow in ("skip", "drop", "wait"), "slow", '"skip", "drop" or "wait"', slow)


def check_seconds(name: str, value: object) -> None:
    """A time that has an end. Raises a CallerError ``ERR_INVALID_OPTION``."""
    demand(is_seconds(value, MIN_SECONDS), name, SECONDS, value)


def demand(fits: bool, name: str, wanted: str, value: object) -> None:
    if not fits:
        raise CallerError("ERR_INVALID_OPTION", f"{name} must be {wanted}, not {value!r}")


def is_seconds(value: object, least: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and least <= value <= MAX_SECONDS
