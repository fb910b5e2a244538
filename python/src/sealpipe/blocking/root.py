"""A server or client that was made by itself, and so has to be closed by itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import event_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..endpoint.endpoint import Endpoint

E = TypeVar("E", bound="Endpoint[Any]")


class Root(Generic[E]):
    """Holds the thread from the start of the endpoint to its end."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, E]]) -> None:
        self.thread = event_loop.acquire()
        self._lock = threading.Lock()
        self._released = False
        try:
            self.inner = self.thread.run(start())
        except BaseException:
            event_loop.release()
            raise
        self.thread.close_at_exit(self, self.inner.close)

    def close(self) -> None:
        self.end(None)

    def end(self, act: Callable[[], None] | None) -> None:
        """Does ``act``, and then waits for the endpoint to be closed. Does nothing once it is."""
        with self._lock:
            if self._released:
                return
        self.thread.run(self._end(act))
        with self._lock:
            if self._released:
                return
            self._released = True
        self.thread.forget(self)
        event_loop.release()

    async def _end(self, act: Callable[[], None] | None) -> None:
        if act is not None:
            act()
        await self.inner.close()
