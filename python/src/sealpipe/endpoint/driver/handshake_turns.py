"""Lets the handshakes of a server take turns, one in each turn of the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Stage = Literal["begun", "fresh"]
"""How far a waiting handshake is: one that has its key pair goes before one that has not."""


class HandshakeTurns:
    """A step of an encrypted handshake costs a millisecond or two of computing: the steps of a thousand clients at
    once would make the others wait for seconds.

    Handshakes that are further go first: there is at most one of them for each fresh one that had its turn, so none
    waits for ever, and such a client is soon done."""

    def __init__(self) -> None:
        # Dictionaries, as sets that keep their order.
        self._waiting: dict[Stage, dict[Callable[[], None], None]] = {"begun": {}, "fresh": {}}
        self._scheduled = False

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
        queue = self._waiting["begun"] or self._waiting["fresh"]
        if not queue:
            return
        take_turn = next(iter(queue))
        del queue[take_turn]
        if any(self._waiting.values()):
            self._schedule()
        take_turn()
