"""A close on the native wire. Source: spec/protocol.md, "Native close"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine_errors import close_timeout
from ..patience import Patience

if TYPE_CHECKING:
    from ...errors import PeerError
    from ..close import CloseStart


class NativeClose:
    """The peer acknowledges what was written before it, and answers with its own."""

    is_held = False
    all_has_left = False

    def __init__(self, start: CloseStart) -> None:
        self._close_timeout = start.close_timeout
        self._patience = Patience(start.close_timeout, amount=start.queued_bytes, now=start.now)

    @property
    def at(self) -> float:
        return self._patience.at

    def progressed(self, *, queued_bytes: int, is_empty: bool, now: float) -> None:
        """A peer that still consumes what was written, and not too slowly, does not hang."""
        self._patience.left(queued_bytes, now)

    def handle_timeout(self, now: float) -> tuple[PeerError | None] | None:
        return (close_timeout(self._close_timeout),)
