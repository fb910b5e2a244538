"""How much of what arrived the application has yet to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .message import MESSAGE_OVERHEAD_BYTES, Message

if TYPE_CHECKING:
    from collections.abc import Callable


class ReadQuota:
    """Full at ``max_queued_bytes``; there is room again at half of it.

    A connection of a server has one, and a client has one for all its connections in turn.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._tell_room: Callable[[], None] = _nobody

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes

    @property
    def is_empty(self) -> bool:
        return self._bytes == 0

    def on_room(self, tell: Callable[[], None]) -> None:
        """Who reads the transport now, and goes on once there is room."""
        self._tell_room = tell

    def queued(self, message: Message) -> None:
        self._bytes += len(message.data) + MESSAGE_OVERHEAD_BYTES

    def taken(self, message: Message) -> None:
        self._bytes -= len(message.data) + MESSAGE_OVERHEAD_BYTES
        if self._bytes <= self._max_bytes / 2:
            self._tell_room()


def _nobody() -> None:
    pass
