"""How long to wait for a peer that is slow."""

from __future__ import annotations

PATIENCE_STEPS = 10
"""How often a peer that is slow gets its time again, and so how many times that it gets at the most."""


class Patience:
    """With a peer that has an amount to take: the same time for each tenth of it, and no more than ten times that.

    A peer that moves a byte now and then would otherwise be waited for as long as it likes.

    Source: spec/protocol.md, "Slow peers".
    """

    def __init__(self, seconds: float, *, amount: int, now: float) -> None:
        self._seconds = seconds
        self._step = amount / PATIENCE_STEPS
        self._end = now + PATIENCE_STEPS * seconds
        """Over at the latest."""
        self._at = now + seconds
        self._goal = self._goal_from(amount)
        """The time starts again when no more than this is left."""

    @property
    def at(self) -> float:
        """When it is over."""
        return self._at

    def left(self, amount: int, now: float) -> None:
        """That much is left."""
        if amount > self._goal:
            return
        self._goal = self._goal_from(amount)
        self._at = min(now + self._seconds, self._end)

    def _goal_from(self, amount: int) -> float:
        # With nothing left there is no goal any more.
        return -1 if amount == 0 else max(0, amount - self._step)
