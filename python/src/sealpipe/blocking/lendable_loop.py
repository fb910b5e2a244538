"""An event loop whose work other threads may do while its own thread waits for events."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from typing_extensions import TypeVarTuple, Unpack

    A = TypeVarTuple("A")


def new_loop() -> asyncio.AbstractEventLoop:
    """A lendable one if the system has epoll, which takes a change of what is waited for while a thread waits."""
    if selectors.DefaultSelector is getattr(selectors, "EpollSelector", None):
        return LendableLoop()
    return asyncio.new_event_loop()


class LendableLoop(asyncio.SelectorEventLoop):
    """One thread at a time does its work, the one that has the turn: the loop's own, or another one while that waits
    for events."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._is_late = False
        """There is something to do that its thread did not know of when it began to wait."""
        self._at_rest: deque[Callable[[], object]] = deque()
        super().__init__(_LendingSelector(self._turn, self._at_rest))
        # In its debug mode asyncio takes work in another thread for a mistake.
        self._lends = not self.get_debug()

    def take_turn(self) -> None:
        """The caller is the loop's thread, and runs it from now on. After the last run nobody else has the turn."""
        self._turn.acquire()

    def borrow(self, act: Callable[[], None]) -> bool:
        """Calls ``act`` in the caller's thread as if the loop did. False if it was not called: the loop is at work, or
        this is the main thread, where a signal handler could raise in the midst of it."""
        if not self._lends or threading.get_ident() == threading.main_thread().ident:
            return False
        if not self._turn.acquire(blocking=False):
            return False
        callers = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        self._is_late = False
        try:
            act()
        finally:
            asyncio._set_running_loop(callers)
            if self._is_late:
                # Its thread looks again, and waits for as long as it may now.
                self.call_soon_threadsafe(_look)
            self._turn.release()
        return True

    def at_rest(self, act: Callable[[], object]) -> None:
        """Calls ``act`` when there is nothing else to do, or in its next turn at the latest. It must not raise."""
        self._is_late = True
        self._at_rest.append(act)

    def close(self) -> None:
        _call_all(self._at_rest)
        super().close()

    def call_soon(
        self, callback: Callable[[Unpack[A]], object], *args: Unpack[A], context: Context | None = None
    ) -> asyncio.Handle:
        self._is_late = True
        return super().call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[Unpack[A]], object], *args: Unpack[A], context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._is_late = True
        return super().call_later(delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[A]], object], *args: Unpack[A], context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._is_late = True
        return super().call_at(when, callback, *args, context=context)


class _LendingSelector(selectors.DefaultSelector):
    """Gives up the turn while it waits."""

    def __init__(self, turn: threading.Lock, at_rest: deque[Callable[[], object]]) -> None:
        super().__init__()
        self._turn = turn
        self._at_rest = at_rest

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            _call_all(self._at_rest)
            return super().select(timeout)
        self._turn.release()
        # Not before: who is woken by one of them may want the turn.
        _call_all(self._at_rest)
        try:
            return super().select(timeout)
        finally:
            self._turn.acquire()


def _call_all(acts: deque[Callable[[], object]]) -> None:
    while acts:
        acts.popleft()()


def _look() -> None:
    pass
