"""The phase after a close of this end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ..errors import PeerError


@dataclass(frozen=True)
class CloseStart:
    """The state at which a close of this end starts."""

    role: Literal["client", "server"]
    now: float
    opened_at: float
    """When the connection was established."""
    queued_bytes: int
    """Bytes that are still to be sent, or to be acknowledged."""
    close_timeout: float


class Close(Protocol):
    """How long to wait for the peer, and for what. Each profile has its own."""

    @property
    def at(self) -> float:
        """When to call ``handle_timeout``."""
        ...

    @property
    def is_held(self) -> bool:
        """Nothing will be added to the output, but the peer must not see the end yet."""
        ...

    @property
    def all_has_left(self) -> bool:
        """Everything that was written before the close has left this process."""
        ...

    def progressed(self, *, queued_bytes: int, is_empty: bool, now: float) -> None:
        """Output was handed out: ``queued_bytes`` are still queued; if ``is_empty``, everything that could leave has
        left."""

    def handle_timeout(self, now: float) -> tuple[PeerError | None] | None:
        """``at`` has passed. Returns the error with which the connection ends, or that there is none; or ``None`` to
        wait longer."""
