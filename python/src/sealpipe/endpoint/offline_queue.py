"""What was written while there was no connection, in order."""

from __future__ import annotations

from ..protocol.message import MessageContent
from .message import MESSAGE_OVERHEAD_BYTES


class OfflineQueue:
    def __init__(self) -> None:
        self._messages: list[MessageContent] = []
        self._bytes = 0

    @property
    def queued_bytes(self) -> int:
        """What waits, with what each message weighs besides its data."""
        return self._bytes

    def push(self, type: int, data: bytes) -> None:
        self._messages.append(MessageContent(type, data))
        self._bytes += len(data) + MESSAGE_OVERHEAD_BYTES

    def take_all(self) -> list[MessageContent]:
        """Empties the queue."""
        messages, self._messages = self._messages, []
        self._bytes = 0
        return messages
