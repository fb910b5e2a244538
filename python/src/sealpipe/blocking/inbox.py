"""Messages on their way from the event loop's thread to the threads that read."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeVar

from ..endpoint.call_options import check_timeout
from ..endpoint.messages.message import Message
from ..endpoint.reading.inbox import Inbox, closed_error, read_timeout

if TYPE_CHECKING:
    from _thread import LockType

    from ..endpoint.reading.read_quota import ReadQuota
    from .event_loop import EventLoopThread

M = TypeVar("M", bound=Message)

# While messages are read, the loop looks this often, in seconds, how many were.
_TELLING_INTERVAL = 0.005


class SharedInbox(Inbox[M]):
    """The loop's thread delivers, any other thread takes, and neither waits for the other while there are messages.

    What was taken is told to the loop's thread in batches: at once if it holds up a peer, else with all that is taken
    within some milliseconds."""

    def __init__(self, thread: EventLoopThread) -> None:
        super().__init__()
        self._thread = thread
        # Reentrant, as a signal handler may read while its thread is reading.
        self._lock = threading.RLock()
        """Held to take a message, and to take out those of one connection: the loop appends without it."""
        self._sleepers: deque[LockType] = deque()
        """One for each thread that waits. To release it wakes the thread."""
        self._consumed: deque[tuple[M, ReadQuota]] = deque()
        """Taken, and not yet told to the loop."""
        self._telling = thread.bell(self._tell)
        self._tells_again = False
        """The loop's thread tells the quotas without being asked what is taken within the next milliseconds."""

    # Called by threads that read.

    def take(self, timeout: float | None = None) -> M:
        """The next message; waits for it. Raises as ``read``."""
        if timeout is not None:
            check_timeout(timeout)
        entry = self._pop() or self._next(timeout)
        if not self._telling.rings and (entry[1].holds_up or not self._tells_again):
            self._telling.ring()
        return entry[0]

    def _pop(self) -> tuple[M, ReadQuota] | None:
        try:
            with self._lock:
                entry = self._entries.popleft()
                # In the order in which they arrived, as they are acknowledged.
                self._consumed.append(entry)
                return entry
        except IndexError:
            return None

    def _next(self, timeout: float | None) -> tuple[M, ReadQuota]:
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            # In this order: what arrived before the end is read first.
            ended = self._ended
            entry = self._pop()
            if entry is not None:
                return entry
            if ended:
                raise self._error or closed_error()
            remaining = None if deadline is None else deadline - monotonic()
            if timeout is not None and remaining is not None and remaining <= 0:
                raise read_timeout(timeout)
            self._sleep(remaining)

    def _sleep(self, timeout: float | None) -> None:
        """Returns when a message may have come, at the end, or after the timeout; at once if there is a message."""
        self._thread.check_may_wait()
        sleeper = threading.Lock()
        sleeper.acquire()
        self._sleepers.append(sleeper)
        try:
            if not self._entries and not self._ended:
                sleeper.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        except BaseException:
            # If it was woken, another has to take the message.
            if not self._forget(sleeper):
                self._wake()
            raise
        self._forget(sleeper)

    def _forget(self, sleeper: LockType) -> bool:
        """Whether it was not woken."""
        try:
            self._sleepers.remove(sleeper)
        except ValueError:
            return False
        return True

    # Called by the loop's thread.

    def deliver(self, message: M, quota: ReadQuota) -> None:
        if self._drops:
            return
        quota.queued(message)
        self._entries.append((message, quota))
        if self._sleepers:
            self._wake()

    def end(self, error: BaseException | None, unread: Literal["keep", "drop"]) -> None:
        with self._lock:
            super().end(error, unread)
        while self._sleepers:
            self._wake()

    def _extract(self, quota: ReadQuota) -> list[M]:
        with self._lock:
            return super()._extract(quota)

    def _tell(self) -> None:
        """Tells the quotas what was taken."""
        if not self._tells_again:
            self._tells_again = True
            self._thread.call_later(_TELLING_INTERVAL, self._tell_again)
        self._tell_quotas()

    def _tell_again(self) -> None:
        # First, so that what is taken too late for this rings.
        self._tells_again = False
        if self._consumed:
            self._tell()

    def _tell_quotas(self) -> None:
        for _ in range(len(self._consumed)):
            message, quota = self._consumed.popleft()
            quota.taken(message)

    def _wake(self) -> None:
        with suppress(IndexError):
            self._sleepers.popleft().release()
