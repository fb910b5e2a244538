"""Messages on their way from connections to the application."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from ...errors import CallerError, PeerError
from ..messages.message import Message
from .waiter import wait_among

if TYPE_CHECKING:
    import asyncio

    from .read_quota import ReadQuota

M = TypeVar("M", bound=Message)


def closed_error(cause: BaseException | None = None) -> CallerError:
    """``cause``: what closed it, if that was not a call of ``close``."""
    return CallerError("ERR_CLOSED", "it is closed: there is nothing more to read or to write", cause)


class Inbox(Generic[M]):
    """Each message goes to the read that has waited longest, or else it waits here."""

    def __init__(self) -> None:
        self._entries: deque[tuple[M, ReadQuota]] = deque()
        self._waiters: deque[asyncio.Future[tuple[M, ReadQuota]]] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._drops = False
        """Nobody will read any more: messages that arrive are dropped."""

    @property
    def ended_in_order(self) -> bool:
        return self._ended and self._error is None

    def deliver(self, message: M, quota: ReadQuota) -> None:
        if self._drops:
            return
        if self._waiters and self._give_to_waiter(message, quota):
            quota.passed(message)
            return
        self._entries.append((message, quota))
        quota.queued(message)

    def take_waiting(self) -> M | None:
        """The next message, if there is one."""
        if not self._entries:
            return None
        message, quota = self._entries.popleft()
        quota.taken(message)
        return message

    async def next(self, timeout: float | None = None) -> M:
        """The message that arrives next, if none is there.

        Raises a PeerError ``ERR_READ_TIMEOUT``, a CallerError ``ERR_CLOSED`` at the end, or the error that ended it."""
        if self._ended:
            raise self._error or closed_error()
        message, _ = await wait_among(self._waiters, timeout, read_timeout, self._put_back)
        return message

    def end(self, error: BaseException | None, unread: Literal["keep", "drop"]) -> None:
        """No more messages will come. Those that wait can still be read, unless they are to be dropped."""
        if unread == "drop":
            self._drops = True
            self._take_all()
        if self._ended:
            return
        # In this order for the blocking face, whose threads look without a lock.
        self._error = error
        self._ended = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error or closed_error())

    def move_to(self, target: Inbox[M], quota: ReadQuota) -> None:
        """Moves the waiting messages of ``quota``'s connection to another inbox."""
        moved = self._extract(quota)
        for message in moved:
            target.deliver(message, quota)
        # Only now: a quota that reports room may bring the next message at once.
        for message in moved:
            quota.dropped(message)

    def drop(self, quota: ReadQuota) -> None:
        """Drops the waiting messages of ``quota``'s connection."""
        for message in self._extract(quota):
            quota.dropped(message)

    def _give_to_waiter(self, message: M, quota: ReadQuota) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result((message, quota))
                return True
        return False

    def _put_back(self, entry: tuple[M, ReadQuota]) -> None:
        message, quota = entry
        if self._drops or self._give_to_waiter(message, quota):
            return
        self._entries.appendleft(entry)
        quota.queued(message)

    def _take_all(self) -> None:
        entries, self._entries = self._entries, deque()
        for message, quota in entries:
            quota.dropped(message)

    def _extract(self, quota: ReadQuota) -> list[M]:
        entries, self._entries = self._entries, deque()
        extracted: list[M] = []
        for entry in entries:
            if entry[1] is quota:
                extracted.append(entry[0])
            else:
                self._entries.append(entry)
        return extracted


def read_timeout(timeout: float, what: str = "message") -> PeerError:
    return PeerError("ERR_READ_TIMEOUT", f"no {what} arrived within {timeout:g} s")
