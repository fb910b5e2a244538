"""How long a server's broadcast waits for clients that have no room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from .connection import Connection


class SlowClients:
    """A client that has used all of its grace is slow.

    Broadcasts do not wait for it until it has read all that was written to it. Otherwise a client that reads just
    enough to have room again could make every broadcast wait."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._slow: WeakSet[Connection] = WeakSet()
        self._deadlines: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        """When the grace of a client that has no room is over."""

    def writing(self, client: Connection) -> None:
        """A message is about to be written to the client."""
        if client.queued_bytes == 0:
            self._slow.discard(client)
        if client._has_room:
            self._deadlines.pop(client, None)

    async def wait(self, client: Connection) -> None:
        """Returns once the client has room, or when its grace is over; at once if it is over already."""
        if client._has_room or client in self._slow or self._grace == 0:
            return
        now = asyncio.get_running_loop().time()
        deadline = self._deadlines.setdefault(client, now + self._grace)
        try:
            await asyncio.wait_for(client._room(), max(0, deadline - now))
        except asyncio.TimeoutError:
            self._slow.add(client)
