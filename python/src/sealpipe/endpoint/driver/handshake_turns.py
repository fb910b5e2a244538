"""Lets the handshakes of a server take turns, one in each turn of the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Stage = Literal["begun", "fresh"]
"""How far a waiting handshake is: ``begun`` has its key pair, ``fresh`` has not."""


class HandshakeTurns:
    """A step of an encrypted handshake costs a millisecond or two of computing: the steps of a thousand clients at
    once would make the others wait for seconds.

    A peer with many waiting handshakes must not keep out the others. So turns alternate between begun and fresh
    handshakes, and within each kind between the newest and the oldest: a newcomer does not wait for all that came
    before it, and the handshake that has waited longest is soon next, however many come after it."""

    def __init__(self) -> None:
        # Dictionaries, as sets that keep their order.
        self._waiting: dict[Stage, dict[Callable[[], None], None]] = {"begun": {}, "fresh": {}}
        self._scheduled = False
        self._taken = 0

    def wait(self, stage: Stage, take_turn: Callable[[], None]) -> None:
        """Calls ``take_turn`` when its turn comes, never before this returns."""
        self._waiting[stage][take_turn] = None
        self._schedule()

    def leave(self, take_turn: Callable[[], None]) -> None:
        """Removes a waiting handshake."""
        for queue in self._waiting.values():
            queue.pop(take_turn, None)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._scheduled = False
        take_turn = self._take_next()
        if take_turn is None:
            return
        if any(self._waiting.values()):
            self._schedule()
        take_turn()

    def _take_next(self) -> Callable[[], None] | None:
        begun, fresh = self._waiting["begun"], self._waiting["fresh"]
        queue = (begun or fresh) if self._taken % 2 == 0 else (fresh or begun)
        if not queue:
            return None
        newest = self._taken % 4 < 2
        self._taken += 1
        take_turn = next(reversed(queue) if newest else iter(queue))
        del queue[take_turn]
        return take_turn
