"""The deadlines of the large bodies that the peer has begun, on one connection.

Source: spec/protocol.md, "Slow peers"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...engine_errors import body_timeout
from ...patience import Patience

if TYPE_CHECKING:
    from .incoming import Incoming
    from .incoming_bodies import UnfinishedBody


class _Wait:
    """How long the peer has for a body, and since when this end's window holds it up."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.held_since: float | None = None


class BodyDeadlines:
    """The time in which a lane's window holds the peer up does not count. Times are on the engine's clock."""

    def __init__(self, incoming: Incoming, timeout: float) -> None:
        self._incoming = incoming
        self._timeout = timeout
        self._waits: dict[UnfinishedBody, _Wait] = {}
        self.next_timeout = math.inf
        """The first deadline of a body that no window holds up."""
        self.is_held = False
        """Whether a deadline also depends on the application, which opens the window of a lane."""

    @property
    def is_waiting(self) -> bool:
        """Whether bodies were under way at the last ``notice``."""
        return bool(self._waits)

    def notice(self, now: float) -> None:
        """Call this when bodies may have begun, gone on or ended, or a window may have opened or closed."""
        waits: dict[UnfinishedBody, _Wait] = {}
        self.next_timeout = math.inf
        self.is_held = False
        for body, held in self._incoming.unfinished_bodies():
            wait = self._waits.get(body)
            if wait is None:
                wait = _Wait(Patience(self._timeout, amount=body.missing_bytes, now=now))
            if wait.held_since is not None:
                wait.patience.extend(now - wait.held_since)
            wait.held_since = now if held else None
            wait.patience.left(body.missing_bytes, now)
            waits[body] = wait
            if held:
                self.is_held = True
            else:
                self.next_timeout = min(self.next_timeout, wait.patience.at)
        self._waits = waits

    def clear(self) -> None:
        """Drops all deadlines."""
        self._waits = {}
        self.next_timeout = math.inf
        self.is_held = False

    def handle_timeout(self, now: float) -> None:
        """Raises a PeerError ``ERR_FRAME_TIMEOUT``."""
        if now >= self.next_timeout:
            raise body_timeout(self._timeout)
