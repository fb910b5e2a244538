"""Cancels that arrived before their requests. Source: spec/protocol.md, "Requests"."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MAX_EARLY_CANCELS = 16_384
"""Max number of cancels that are kept for requests yet to arrive. If a peer sends more, its requests are handled in
vain."""
MAX_OVERTAKEN = 1_024
"""Max number of runs of overtaken requests whose cancels are still recognised as early."""

_ID_SPACE = 2**32


class _Run(NamedTuple):
    """Ids from the first to the last, inclusive."""

    first: int
    last: int


class EarlyCancels:
    """Requests travel in another lane: a cancel overtakes a request that waits for its window, or whose large body is
    under way.

    Such a request must not be handled when it arrives; otherwise requests that nobody waits for would keep the handlers
    busy."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._last_arrived = 0
        self._overtaken: deque[_Run] = deque()
        """Ids before the last that have not arrived, in order: small requests overtake large ones. Kept as runs, so
        that a peer whose ids leap costs no more than one that counts."""

    def add(self, id: int) -> None:
        """A cancel of an unknown request. If the request has been there before, the cancel has crossed the answer."""
        is_early = _is_after(id, self._last_arrived) or self._run_of(id) is not None
        if is_early and len(self._ids) < MAX_EARLY_CANCELS:
            self._ids.add(id)

    def arrived(self, id: int) -> bool:
        """A request has arrived. Returns whether it was cancelled before."""
        if id == self._last_arrived + 1 and not self._overtaken:
            # As it nearly always is.
            self._last_arrived = id
        elif _is_after(id, self._last_arrived):
            self._advance(id)
        else:
            self._catch_up(id)
        if id not in self._ids:
            return False
        self._ids.remove(id)
        return True

    def _advance(self, id: int) -> None:
        first = (self._last_arrived + 1) % _ID_SPACE
        self._last_arrived = id
        if id != first:
            self._overtaken.append(_Run(first, (id - 1) % _ID_SPACE))
        # An id half way round is no longer before the last, and is dropped; the rest stay in order.
        while self._overtaken and _is_after(self._overtaken[0].first, id):
            self._overtaken.popleft()
        self._forget_oldest()

    def _catch_up(self, id: int) -> None:
        index = self._run_of(id)
        if index is None:
            return
        run = self._overtaken[index]
        del self._overtaken[index]
        if run.last != id:
            self._overtaken.insert(index, _Run((id + 1) % _ID_SPACE, run.last))
        if run.first != id:
            self._overtaken.insert(index, _Run(run.first, (id - 1) % _ID_SPACE))
        self._forget_oldest()

    def _run_of(self, id: int) -> int | None:
        """A binary search: every cancel and request of a peer leads here, and costs the peer only a few bytes."""
        distance = self._distance_to(id)
        low = 0
        high = len(self._overtaken)
        while low < high:
            middle = (low + high) // 2
            if self._distance_to(self._overtaken[middle].last) > distance:
                low = middle + 1
            else:
                high = middle
        if low == len(self._overtaken) or self._distance_to(self._overtaken[low].first) < distance:
            return None
        return low

    def _distance_to(self, id: int) -> int:
        """How far that id is before the last that has arrived."""
        return (self._last_arrived - id) % _ID_SPACE

    def _forget_oldest(self) -> None:
        """A sealpipe peer skips no id, so the ids that were overtaken first and have not arrived since never will."""
        if len(self._overtaken) > MAX_OVERTAKEN:
            self._overtaken.popleft()


def _is_after(id: int, other: int) -> bool:
    """Ids wrap around: those less than half way ahead are after ``other``, and the rest before."""
    return 0 < (id - other) % _ID_SPACE < _ID_SPACE // 2
