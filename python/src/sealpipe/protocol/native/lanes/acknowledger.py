"""When to acknowledge consumed bytes. Source: spec/protocol.md, "Lanes"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..wire.frame import FRAME_KINDS, encode_frame
from ..wire.positions import encode_positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from .incoming import Incoming

_ACKNOWLEDGE_AFTER = 0.02
"""Everything consumed is acknowledged after this time at the latest, in seconds."""


class Acknowledger:
    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self.next_timeout = math.inf
        """When to acknowledge at the latest, although the peer has not asked."""
        self._asked = False
        self._is_late = False

    @property
    def is_due(self) -> bool:
        """Whether there is enough to acknowledge for a record of its own."""
        incoming = self._incoming
        if self._is_late or (self._asked and incoming.all_consumed):
            return incoming.has_news
        return incoming.has_urgent_news

    @property
    def is_notable(self) -> bool:
        """Whether there is enough to acknowledge for a frame in a record that is sent anyway."""
        return self.is_due or self._incoming.has_notable_news

    def ask(self) -> None:
        """The peer asks for an acknowledgement once everything that has arrived is consumed."""
        self._asked = True

    def notice(self, clock: Callable[[], float]) -> None:
        """Call this when something may have been consumed. The clock is read only if something was."""
        if self.next_timeout == math.inf and self._incoming.has_news:
            self.next_timeout = clock() + _ACKNOWLEDGE_AFTER

    def handle_timeout(self, now: float) -> None:
        if now >= self.next_timeout:
            self._is_late = True
            self.next_timeout = math.inf

    def take_frame(self) -> bytes | None:
        """The frame that acknowledges everything consumed, or ``None`` if that is acknowledged already."""
        incoming = self._incoming
        if not incoming.has_news:
            return None
        if incoming.all_consumed:
            self._asked = False
        self.next_timeout = math.inf
        self._is_late = False
        return encode_frame(FRAME_KINDS["acknowledge"], encode_positions(incoming.acknowledge()))
