"""One event loop in a thread, for all blocking endpoints of the process while there are any."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from ..endpoint.inbox import closed_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

# What is under way when the last endpoint is closed, such as the end of a handshake, gets so long to come to an end.
_PATIENCE = 2.0
# What was not closed when the process ends.
_EXIT_PATIENCE = 1.0


class EventLoopThread:
    def __init__(self) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._stopped = False
        self._waiting: set[Future[Any]] = set()
        self._closers: dict[int, Callable[[], Awaitable[None]]] = {}
        self._thread = threading.Thread(target=self._run, name="sealpipe", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs it in the thread and waits for its end. Whoever is interrupted meanwhile cancels it."""
        if self._pid != os.getpid():
            coroutine.close()
            raise RuntimeError("it was made by the parent process: connect after the fork")
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("a callback must not call what blocks: its thread is the one that does the work")
        with self._lock:
            if self._stopped:
                return _run_at_once(coroutine)
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._waiting.add(future)
        try:
            return future.result()
        except CancelledError:
            # By the stop: the last endpoint was closed meanwhile.
            raise closed_error() from None
        except BaseException:
            future.cancel()
            raise
        finally:
            self._waiting.discard(future)

    def call(self, act: Callable[[], None]) -> None:
        """Has the thread do something soon, unless it has ended, with everything that it was for."""
        with self._lock:
            if not self._stopped:
                self._loop.call_soon_threadsafe(act)

    def close_at_exit(self, key: object, close: Callable[[], Awaitable[None]]) -> None:
        self._closers[id(key)] = close

    def forget(self, key: object) -> None:
        self._closers.pop(id(key), None)

    def close_all(self) -> None:
        """The process ends: what was written gets a moment to leave, and sockets do not stay behind."""
        if self._pid == os.getpid() and self._closers:
            self.run(self._close_all())

    async def _close_all(self) -> None:
        closing = [asyncio.ensure_future(close()) for close in self._closers.values()]
        await asyncio.wait(closing, timeout=_EXIT_PATIENCE)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for future in list(self._waiting):
            future.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_let_tasks_end())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()


async def _let_tasks_end() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if not tasks:
        return
    _, pending = await asyncio.wait(tasks, timeout=_PATIENCE)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


def _run_at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Where the thread has ended everything is closed, and whatever is asked for then has its answer at once."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise closed_error()


_lock = threading.Lock()
_shared: EventLoopThread | None = None
_users = 0


def acquire() -> EventLoopThread:
    """The thread; one ``release`` for each call."""
    global _shared, _users  # noqa: PLW0603 - one for the process is what it is about
    with _lock:
        if _shared is None:
            _shared = EventLoopThread()
        _users += 1
        return _shared


def release() -> None:
    global _shared, _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users > 0 or _shared is None:
            return
        ended, _shared = _shared, None
    ended.stop()


def _forget_in_child() -> None:
    """A forked child has the parent's variables, but not its thread."""
    global _lock, _shared, _users  # noqa: PLW0603
    _lock = threading.Lock()
    _shared = None
    _users = 0


def _close_at_exit() -> None:
    shared = _shared
    if shared is not None:
        shared.close_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(_close_at_exit)
