"""Whether the peer is alive. Source: spec/protocol.md, "Keepalive"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class KeepaliveLimits:
    """When to check whether the peer is alive, in seconds."""

    keepalive_interval: float = 10.0
    """How long a silence leads to a ping."""
    keepalive_timeout: float = 10.0
    """How long the silence may last after a ping."""


class Keepalive:
    """Times are on the engine's clock."""

    def __init__(self, limits: KeepaliveLimits, now: float) -> None:
        self._limits = limits
        self._heard_at = now
        self._pinged_at: float | None = None

    def heard(self, now: float) -> None:
        """Something has arrived from the peer."""
        self._heard_at = now
        self._pinged_at = None

    @property
    def next_timeout(self) -> float:
        if self._pinged_at is not None:
            return self._pinged_at + self._limits.keepalive_timeout
        return self._heard_at + self._limits.keepalive_interval

    def handle_timeout(self, now: float) -> Literal["ping", "dead"] | None:
        """What to do now: send a ping, or consider the peer dead."""
        late = now - self.next_timeout
        if late < 0:
            return None
        # A timeout that is this late means that this process was held up: what the peer sent may be unread, and the
        # last ping unsent.
        held_up = late > self._limits.keepalive_timeout / 2
        if self._pinged_at is not None and not held_up:
            return "dead"
        self._pinged_at = now
        return "ping"
