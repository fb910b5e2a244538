"""A server or client, which the program creates and has to close."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import event_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..endpoint.endpoint import Endpoint
    from .event_loop import EventLoopThread

E = TypeVar("E", bound="Endpoint[Any]")


class Root(Generic[E]):
    """Holds the thread from the start of the endpoint to its end."""

    def __init__(self, start: Callable[[EventLoopThread], Coroutine[Any, Any, E]]) -> None:
        self.thread = event_loop.acquire()
        self._lock = threading.Lock()
        self._released = False
        try:
            self.inner = self.thread.run(start(self.thread))
        except BaseException:
            event_loop.release()
            raise

    def end(self, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs ``end``, which returns once the endpoint is closed. Does nothing once it is closed."""
        with self._lock:
            if self._released:
                return
        self.thread.run(end())
        self.release()

    def release(self) -> None:
        """It needs the thread no more."""
        with self._lock:
            if self._released:
                return
            self._released = True
        self.thread.forget(self)
        event_loop.release()
