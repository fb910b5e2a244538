"""The options of calls. Those of endpoints, in ``options``, are built on the same checks; this is not in that folder
because what waits for a call is below the endpoints."""

from __future__ import annotations

import math
from typing import Literal

from ..errors import CallerError

Slow = Literal["skip", "drop", "wait"]
"""What happens to a client of a broadcast for which ``max_queued_bytes`` wait."""

# The max of the TypeScript library's timers, so that a setting can be shared.
MAX_SECONDS = 2_147_483.647


def check_timeout(timeout: object) -> None:
    """For ``read`` and the like: ``None`` waits for ever, 0 not at all. Raises a CallerError ``ERR_INVALID_OPTION``."""
    if timeout is not None:
        demand(is_seconds(timeout, 0), "timeout", "None or a number of seconds from 0", timeout)


def check_slow(slow: object) -> None:
    """For ``broadcast``. Raises a CallerError ``ERR_INVALID_OPTION``."""
    demand(slow in ("skip", "drop", "wait"), "slow", '"skip", "drop" or "wait"', slow)


def demand(fits: bool, name: str, wanted: str, value: object) -> None:
    """Raises a CallerError ``ERR_INVALID_OPTION`` unless the value fits."""
    if not fits:
        raise CallerError("ERR_INVALID_OPTION", f"{name} must be {wanted}, not {value!r}")


def is_seconds(value: object, min_seconds: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and min_seconds <= value <= MAX_SECONDS
