"""How much the application has yet to read of what has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..messages.message import MESSAGE_OVERHEAD_BYTES, Message

if TYPE_CHECKING:
    from collections.abc import Callable


class ReadQuota:
    """Full at ``max_queued_bytes``; there is room again at half of it.

    Each connection of a server has one, and a client has one for all its successive connections."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self.holds_up = False
        """It was full, and there is no room yet: a peer may wait."""
        self._tell_room: Callable[[], None] = _nobody
        self._tell_consumed: Callable[[], None] = _nobody

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes

    @property
    def is_empty(self) -> bool:
        return self._bytes == 0

    @property
    def bytes(self) -> int:
        """The weight of the messages that wait to be read."""
        return self._bytes

    def on_room(self, tell: Callable[[], None]) -> None:
        """Sets the callback of the driver that reads the transport now, which goes on once there is room."""
        self._tell_room = tell

    def on_consumed(self, tell: Callable[[], None]) -> None:
        """Sets the callback of the driver that acknowledges to the peer what is consumed."""
        self._tell_consumed = tell

    def queued(self, message: Message) -> None:
        self._bytes += len(message.data) + MESSAGE_OVERHEAD_BYTES
        if self._bytes >= self._max_bytes:
            self.holds_up = True

    def taken(self, message: Message) -> None:
        """The application has consumed a message that waited."""
        if message._lane is not None:
            self.passed(message)
        self.dropped(message)

    def passed(self, message: Message) -> None:
        """The application has consumed a message, which did not have to wait."""
        lane = message._lane
        if lane is not None:
            lane.consume(message._position)
            message._lane = None
            self._tell_consumed()

    def dropped(self, message: Message) -> None:
        """A message that waited will not be read, and must not be acknowledged."""
        self._bytes -= len(message.data) + MESSAGE_OVERHEAD_BYTES
        if self.holds_up and self._bytes <= self._max_bytes / 2:
            self.holds_up = False
            self._tell_room()


def _nobody() -> None:
    pass
