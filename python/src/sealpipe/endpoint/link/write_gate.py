"""Makes writers wait while too much is queued."""

from __future__ import annotations

import asyncio

from ...errors import PeerError


class WriteGate:
    """Up to a quarter of ``max_queued_bytes`` there is room.

    Past it writers wait until half of that quarter has left; and once the whole is queued, writes are refused.
    """

    def __init__(self, max_queued_bytes: int) -> None:
        self._max_queued_bytes = max_queued_bytes
        self._room_bytes = max_queued_bytes / 4
        self._room = asyncio.Event()
        self._room.set()
        self._flushes: list[asyncio.Future[None]] = []

    def check_room(self, queued_bytes: int) -> None:
        """Raises a PeerError ``ERR_QUEUE_FULL`` if the peer lets too much wait."""
        if queued_bytes >= self._max_queued_bytes:
            raise PeerError(
                "ERR_QUEUE_FULL",
                f"{queued_bytes} bytes wait to be sent, over max_queued_bytes ({self._max_queued_bytes}): "
                "the peer reads more slowly than this end writes, and to wait for each write would wait for it",
            )

    def has_room(self, queued_bytes: int) -> bool:
        """Whether ``room_at`` returns at once."""
        return queued_bytes <= self._room_bytes

    async def room_at(self, queued_bytes: int) -> None:
        """Returns at once while there is room with so much queued, else when there will be."""
        if not self.has_room(queued_bytes):
            self._room.clear()
            await self._room.wait()

    async def flush_at(self, queued_bytes: int) -> None:
        """Returns once nothing is queued."""
        if queued_bytes == 0:
            return
        flush = asyncio.get_running_loop().create_future()
        self._flushes.append(flush)
        await flush

    @property
    def is_awaited(self) -> bool:
        """Whether anything waits for progress."""
        return bool(self._flushes) or not self._room.is_set()

    def progressed(self, queued_bytes: int, unflushed_bytes: int) -> None:
        """Some of what was queued has left. ``unflushed_bytes`` also counts what only a flush waits for."""
        if queued_bytes <= self._room_bytes / 2:
            self._room.set()
        if unflushed_bytes == 0 and self._flushes:
            for flush in self._take_flushes():
                flush.set_result(None)

    def lost(self, error: BaseException) -> None:
        """What was queued will not leave any more; later writes may."""
        for flush in self._take_flushes():
            flush.set_exception(error)

    def end(self, error: BaseException) -> None:
        """Nothing will leave any more. Writers that wait for room go on: a peer that goes is no failure of theirs."""
        self._room.set()
        self._room_bytes = float("inf")
        self.lost(error)

    def _take_flushes(self) -> list[asyncio.Future[None]]:
        flushes, self._flushes = self._flushes, []
        return [flush for flush in flushes if not flush.done()]
