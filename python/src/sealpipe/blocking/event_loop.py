"""One event loop in a thread, for all blocking endpoints of the process while there are any."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections import deque
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from ..endpoint.reading.inbox import closed_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

# How long tasks that are under way when the last endpoint is closed, such as the end of a handshake, may go on.
_PATIENCE = 2.0
# How long endpoints that were not closed have when the process ends.
_EXIT_PATIENCE = 1.0


class Bell:
    """Has the loop's thread do something soon; once, however often it is rung until then."""

    def __init__(self, thread: EventLoopThread, act: Callable[[], None]) -> None:
        self._thread = thread
        self._act = act
        self.rings = False
        """The loop's thread has yet to begin with it. Look before you ring: nearly always it need not be rung again."""

    def ring(self) -> bool:
        """False if the thread has ended, and nothing will be done."""
        try:
            self.rings = True
            return self._thread.post(self._answer)
        except BaseException:
            # An interrupt, after which it must still be possible to ring.
            self.rings = False
            raise

    def _answer(self) -> None:
        # First, so that what is added too late for the act rings again.
        self.rings = False
        self._act()


class EventLoopThread:
    def __init__(self) -> None:
        self.is_of_parent = False
        """This is a forked child, in which the thread does not run."""
        self._loop = asyncio.new_event_loop()
        # Reentrant, as a signal handler may call this while its thread is calling it.
        self._lock = threading.RLock()
        self._stopped = False
        self._waiting: set[Future[Any]] = set()
        self._closers: dict[int, Callable[[], Awaitable[None]]] = {}
        self._posted: deque[Callable[[], None]] = deque()
        self._is_woken = False
        """The loop will see what is posted."""
        self._started: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="sealpipe", daemon=True)
        self._thread.start()

    # Called by any thread.

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs the coroutine in the thread and waits for it. If the caller is interrupted meanwhile, it is
        cancelled."""
        try:
            self.check_may_wait()
        except RuntimeError:
            coroutine.close()
            raise
        with self._lock:
            if self._stopped:
                return _run_at_once(coroutine)
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._waiting.add(future)
        try:
            return future.result()
        except CancelledError:
            # Cancelled by the stop: the last endpoint was closed meanwhile.
            raise closed_error() from None
        except BaseException:
            future.cancel()
            raise
        finally:
            self._waiting.discard(future)

    @property
    def is_stopped(self) -> bool:
        """Its last endpoint is closed."""
        return self._stopped

    def check_may_wait(self) -> None:
        """Raises a RuntimeError if the caller must not wait for the thread."""
        self.check_is_own()
        if threading.current_thread() is self._thread:
            raise RuntimeError("a callback must not call what blocks: its thread is the one that does the work")

    def check_is_own(self) -> None:
        if self.is_of_parent:
            raise RuntimeError("it was made by the parent process: connect after the fork")

    def bell(self, act: Callable[[], None]) -> Bell:
        return Bell(self, act)

    def post(self, act: Callable[[], None]) -> bool:
        """Has the thread call ``act`` soon. False if the thread has ended."""
        self.check_is_own()
        with self._lock:
            if self._stopped:
                return False
            self._posted.append(act)
            if not self._is_woken:
                self._loop.call_soon_threadsafe(self._do_what_is_posted)
                # Only now: if the caller is interrupted before, the next one wakes it.
                self._is_woken = True
            return True

    # Called by the thread.

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Starts a task."""
        task = self._loop.create_task(coroutine)
        self._started.add(task)
        task.add_done_callback(self._started.discard)

    def call_later(self, delay: float, act: Callable[[], None]) -> None:
        self._loop.call_later(delay, act)

    def _do_what_is_posted(self) -> None:
        with self._lock:
            self._is_woken = False
        for _ in range(len(self._posted)):
            act = self._posted.popleft()
            try:
                act()
            except Exception as error:
                context = {"message": "sealpipe failed in its own thread", "exception": error}
                self._loop.call_exception_handler(context)

    def close_at_exit(self, key: object, close: Callable[[], Awaitable[None]]) -> None:
        self._closers[id(key)] = close

    def forget(self, key: object) -> None:
        self._closers.pop(id(key), None)

    def close_all(self) -> None:
        """The process ends: what was written has a moment to leave, and sockets are removed."""
        if self._closers:
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
    """For calls after the thread has ended: everything is closed then, so they finish at once."""
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
    if _shared is not None:
        _shared.is_of_parent = True
    _shared = None
    _users = 0


def _close_at_exit() -> None:
    shared = _shared
    if shared is not None:
        shared.close_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(_close_at_exit)
