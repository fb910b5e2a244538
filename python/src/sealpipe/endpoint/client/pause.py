"""A pause that can be cut short."""

from __future__ import annotations

import asyncio


class Pause:
    def __init__(self) -> None:
        self._over: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, seconds: float) -> None:
        """Returns after that time, or when ``end_in`` says so."""
        self._over = asyncio.get_running_loop().create_future()
        self.end_in(seconds)
        try:
            await self._over
        finally:
            self._cancel_timer()
            self._over = None

    def end_in(self, seconds: float) -> None:
        """The pause that is under way, if there is one, ends so soon, or earlier if it would have."""
        loop = asyncio.get_running_loop()
        if self._over is None:
            return
        if self._timer is not None and self._timer.when() <= loop.time() + seconds:
            return
        self._cancel_timer()
        self._timer = loop.call_later(seconds, self._end)

    def _end(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
