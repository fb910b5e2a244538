"""A handshake that fails with last words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..errors import PeerError


class HandshakeFailure(Exception):
    """The peer's fault, and the last bytes to send because of it."""

    def __init__(self, error: PeerError, last_words: bytes) -> None:
        super().__init__(error.message)
        self.error = error
        self.last_words = last_words
