"""One direction of one lane, at its receiver. Source: spec/protocol.md, "Lanes"."""

from __future__ import annotations

from ....errors import PeerError
from ..wire.frame import MAX_RECORD_BYTES
from .send_lane import FRAME_OVERHEAD_BYTES

_MAX_UNACKNOWLEDGED_BYTES = 262_144
"""Consumed bytes are acknowledged once they are this many, or a quarter of a smaller window."""
NOTABLE_BYTES = 8_192
"""Fewer bytes are not worth a frame, even in a record that is sent anyway. The timer acknowledges them."""
_MAX_RECORD_WEIGHT = MAX_RECORD_BYTES + MAX_RECORD_BYTES // 8 * FRAME_OVERHEAD_BYTES
"""The weight of a record full of the smallest frames that a lane can have: empty messages, of eight bytes each."""


class ReceiveLane:
    """The peer of a send lane: how far its frames have arrived, and how far the application has consumed them."""

    def __init__(self, window: int) -> None:
        self.window = window
        # The last record may exceed the window: a sender stops only after it.
        self._limit = window + _MAX_RECORD_WEIGHT
        # At least 1: in a lane without a window, nothing is urgent as long as nothing is consumed.
        self.urgent_bytes = max(1, min(window // 4, _MAX_UNACKNOWLEDGED_BYTES))
        self.received = 0
        """The position after everything that has arrived."""
        self.consumed = 0
        """The position before which everything is consumed."""
        self.acknowledged = 0
        self._last_weight = 0
        self._unconsumed = 0
        """The number of messages or requests that have arrived and are not consumed."""

    @property
    def max_received(self) -> int:
        """The peer may not send further than this."""
        return self.consumed + self._limit

    @property
    def unconsumed_bytes(self) -> int:
        """The weight of everything that has arrived and is not consumed."""
        return self.received - self.consumed

    @property
    def is_full(self) -> bool:
        """Whether unconsumed bytes fill the window: the peer must send no more."""
        return self.received - self.consumed >= self.window

    @property
    def all_consumed(self) -> bool:
        return self._unconsumed == 0

    def receive(self, frame_bytes: int) -> None:
        """A frame of that many bytes, header included, has arrived. Raises a PeerError ``ERR_WINDOW_EXCEEDED``."""
        self._last_weight = frame_bytes + FRAME_OVERHEAD_BYTES
        self.received += self._last_weight
        if self.received - self.consumed > self._limit:
            raise PeerError(
                "ERR_WINDOW_EXCEEDED",
                f"the peer sent {self.received - self.consumed} bytes that are not consumed yet; "
                f"the window is {self.window}",
            )
        if self._unconsumed == 0:
            self.consumed = self.received

    def hold(self) -> int:
        """The application will consume what has just arrived. Returns its position, for ``consume``."""
        if self._unconsumed == 0:
            self.consumed = self.received - self._last_weight
        self._unconsumed += 1
        return self.received

    def receive_and_hold(self, received: int, count: int) -> None:
        """The same for ``count`` messages that end there. The caller has seen that the window allows them."""
        self._unconsumed += count
        self.received = received

    def consume(self, position: int) -> None:
        """The application has consumed everything up to this position.

        It consumes in the order of arrival, except that it may read the next message in a callback, so a position may
        be lower than the last: the acknowledged position never goes back."""
        self._unconsumed -= 1
        if self._unconsumed == 0:
            self.consumed = self.received
        elif position > self.consumed:
            self.consumed = position

    def acknowledge(self) -> int:
        """Everything consumed counts as acknowledged to the peer. Returns its position."""
        self.acknowledged = self.consumed
        return self.consumed

    def forget_acknowledged(self) -> None:
        """The last acknowledgement may not have reached the peer."""
        self.acknowledged = 0
