"""How long a broadcast waits for a client that has no room."""

from __future__ import annotations

import asyncio
from typing import cast

from sealpipe.endpoint.server.connection import Connection
from sealpipe.endpoint.server.slow_clients import SlowClients


class SlowReader:
    def __init__(self) -> None:
        self.queued_bytes = 100
        self._has_room = False
        self._reads = asyncio.Event()

    async def _room(self) -> None:
        await self._reads.wait()

    def read(self, *, left: int) -> None:
        self.queued_bytes = left
        self._has_room = True
        self._reads.set()

    def fill(self) -> None:
        self.queued_bytes = 100
        self._has_room = False
        self._reads.clear()


async def is_waited_for(clients: SlowClients, reader: SlowReader) -> bool:
    """Whether a broadcast that is written to the reader, and fills its queue, waits for it."""
    client = cast("Connection", reader)
    clients.writing(client)
    reader.fill()
    wait = asyncio.ensure_future(clients.wait(client))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if wait.done():
        return False
    await wait
    return True


async def test_a_client_that_has_used_its_grace_gets_another_only_once_it_has_read_everything() -> None:
    clients = SlowClients(0.02)
    reader = SlowReader()
    assert await is_waited_for(clients, reader)
    assert not await is_waited_for(clients, reader)
    reader.read(left=1)
    assert not await is_waited_for(clients, reader)
    reader.read(left=0)
    assert await is_waited_for(clients, reader)


async def test_a_client_that_reads_in_time_has_its_whole_grace_again() -> None:
    clients = SlowClients(3600)
    reader = SlowReader()
    for left in (1, 0):
        asyncio.get_running_loop().call_later(0.001, lambda left=left: reader.read(left=left))  # type: ignore[misc]
        assert await is_waited_for(clients, reader)


async def test_without_a_grace_nobody_waits() -> None:
    assert not await is_waited_for(SlowClients(0), SlowReader())
