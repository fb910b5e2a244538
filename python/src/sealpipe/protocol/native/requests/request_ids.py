"""The ids of requests. Source: spec/protocol.md, "Requests"."""

from __future__ import annotations

from ....errors import PeerError
from .early_cancels import EarlyCancels

MAX_REQUEST_ID = 0xFFFF_FFFF


class OwnRequestIds:
    """The ids of this end's requests: chosen here, and in use until the answer has arrived or the request is
    cancelled."""

    def __init__(self, last: int = 0) -> None:
        """Begins after the id ``last``."""
        self._unanswered: set[int] = set()
        self._last = last

    def next(self) -> int:
        """The next free id, which is in use from now on."""
        while True:
            self._last = 1 if self._last == MAX_REQUEST_ID else self._last + 1
            if self._last not in self._unanswered:
                self._unanswered.add(self._last)
                return self._last

    def settle(self, id: int) -> bool:
        """Frees the id. Returns whether it was in use: an answer to a cancelled request may still arrive."""
        if id not in self._unanswered:
            return False
        self._unanswered.remove(id)
        return True


class PeerRequestIds:
    """The ids of the peer's requests: in use until this end has answered, or the peer has cancelled."""

    def __init__(self) -> None:
        self._unanswered: set[int] = set()
        self._early_cancels = EarlyCancels()

    def arrived(self, id: int) -> bool:
        """A request has arrived. Returns whether to handle it: its cancel may have overtaken it.

        Raises a PeerError ``ERR_FRAME_INVALID``."""
        if id == 0:
            raise PeerError("ERR_FRAME_INVALID", "the peer sent a request with the id 0")
        if id in self._unanswered:
            message = f"the peer sent a request {id} while one of that id is being handled"
            raise PeerError("ERR_FRAME_INVALID", message)
        if self._early_cancels.arrived(id):
            return False
        self._unanswered.add(id)
        return True

    def cancelled(self, id: int) -> bool:
        """The peer has cancelled a request. Returns whether it is being handled: the cancel may cross the answer, or be
        early."""
        if id in self._unanswered:
            self._unanswered.remove(id)
            return True
        self._early_cancels.add(id)
        return False

    def has(self, id: int) -> bool:
        """Whether the peer waits for an answer to that request."""
        return id in self._unanswered

    def settle(self, id: int) -> None:
        """The request is answered."""
        self._unanswered.discard(id)
