"""A close on the classic wire, which has no frame for it. Source: spec/protocol.md, "Close"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..engine_errors import close_timeout
from ..limits import END_GRACE, SETTLE_AFTER_OPEN
from ..patience import Patience

if TYPE_CHECKING:
    from ...errors import PeerError
    from ..close import CloseStart


class ClassicClose:
    """What was written leaves, then the transport ends, and the peer has a moment to end its side."""

    def __init__(self, start: CloseStart) -> None:
        self._close_timeout = start.close_timeout
        self._queued_bytes = start.queued_bytes
        self._patience: Patience | None = None
        self._phase: Literal["held", "leaving", "left"] = "held"
        self._held_until = start.opened_at + SETTLE_AFTER_OPEN
        self._left_until = 0.0
        # A golang-ipc server never notices a client that leaves right after the handshake.
        if start.role == "server" or self._held_until <= start.now:
            self._leave(start.now)

    @property
    def at(self) -> float:
        if self._phase == "held":
            return self._held_until
        return self._left_until if self._patience is None else self._patience.at

    @property
    def is_held(self) -> bool:
        return self._phase == "held"

    @property
    def all_has_left(self) -> bool:
        return self._phase == "left"

    def progressed(self, *, queued_bytes: int, is_empty: bool, now: float) -> None:
        if self._patience is None:
            return
        if is_empty:
            self._phase = "left"
            self._patience = None
            self._left_until = now + min(self._close_timeout, END_GRACE)
        else:
            self._patience.left(queued_bytes, now)

    def handle_timeout(self, now: float) -> tuple[PeerError | None] | None:
        if self._phase == "held":
            self._leave(now)
            return None
        return (close_timeout(self._close_timeout) if self._phase == "leaving" else None,)

    def _leave(self, now: float) -> None:
        self._phase = "leaving"
        self._patience = Patience(self._close_timeout, amount=self._queued_bytes, now=now)
