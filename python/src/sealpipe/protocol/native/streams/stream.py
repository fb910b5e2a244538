"""A stream that is not over, as far as its frames go. Positions are weights, from its opening."""

from __future__ import annotations

from collections import deque


class Stream:
    def __init__(self, id: int, *, is_own: bool) -> None:
        self.id = id
        self.is_own = is_own
        """Whether this end opened it."""
        self.sent = 0
        """How far items are in the lane."""
        self.peer_consumed = 0
        """How far the peer's application has consumed them."""
        self.waiting: deque[bytes] = deque()
        """Items for which there was no credit."""
        self.is_ending = False
        """The application wants to end, with what waits."""
        self.has_ended = False
        self.is_held = False
        """A writer waits for credit."""
        self.received = 0
        """How far the peer's items have arrived."""
        self.consumed = 0
        """How far this end's application has consumed them."""
        self.credited = 0
        """How much of that the peer has got credit for."""
        self.peer_has_ended = False
        self.is_stopped = False
        """This end has asked the peer to end: what still comes is dropped."""

    @property
    def is_over(self) -> bool:
        return self.has_ended and self.peer_has_ended
