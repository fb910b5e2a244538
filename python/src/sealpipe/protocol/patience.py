"""How long to wait for a slow peer."""

from __future__ import annotations

PATIENCE_STEPS = 10
"""How often a slow peer's time starts again, and how many times that time it gets at most."""


class Patience:
    """For a peer that has an amount to receive, or to send: the same time for each tenth of it, and at most ten times
    that.

    Otherwise a peer that moves a byte now and then could make this end wait without limit.

    Source: spec/protocol.md, "Slow peers".
    """

    def __init__(self, seconds: float, *, amount: int, now: float) -> None:
        self._seconds = seconds
        self._step = amount / PATIENCE_STEPS
        self._end = now + PATIENCE_STEPS * seconds
        """When the wait ends at the latest."""
        self._at = now + seconds
        self._goal = self._goal_from(amount)
        """The time starts again when at most this amount is left."""

    @property
    def at(self) -> float:
        """When the wait ends."""
        return self._at

    def left(self, amount: int, now: float) -> None:
        """``amount`` is left."""
        if amount > self._goal:
            return
        self._goal = self._goal_from(amount)
        self._at = min(now + self._seconds, self._end)

    def extend(self, seconds: float) -> None:
        """Extends the wait by the time during which the peer could do nothing."""
        self._at += seconds
        self._end += seconds

    def _goal_from(self, amount: int) -> float:
        # With nothing left there is no further goal.
        return -1 if amount == 0 else max(0, amount - self._step)
