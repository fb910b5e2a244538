"""The common base of servers, clients and a server's connections: messages to read, a status, an end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import SealpipeError
from .call_options import check_timeout
from .messages.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .options.parse_options import ParsedOptions
    from .reading.inbox import Inbox
    from .status import Status

M = TypeVar("M", bound=Message)
Self = TypeVar("Self", bound="Endpoint[Any]")


class Endpoint(ABC, Generic[M]):
    def __init__(self, options: ParsedOptions, inbox: Inbox[M]) -> None:
        self._on_status = options.on_status
        self._on_error = options.on_error
        self._inbox = inbox
        self._status: Status = "not-connected"
        self._when_closed = asyncio.Event()

    @property
    def status(self) -> Status:
        """The present status."""
        return self._status

    async def read(self, timeout: float | None = None) -> M:
        """Waits for the next message, for ever or ``timeout`` seconds.

        Messages that nobody reads wait, up to ``max_queued_bytes``, and then hold up the peer. A read that is cancelled
        or times out loses no message.

        Raises a PeerError ``ERR_READ_TIMEOUT``; a CallerError ``ERR_CLOSED`` once it is closed and nothing is left
        to read, or ``ERR_INVALID_OPTION``; or the error with which it failed."""
        self._claim()
        if timeout is not None:
            check_timeout(timeout)
        message = self._inbox.take_waiting()
        if message is not None:
            return message
        self._send_now()
        return await self._inbox.next(timeout)

    def __aiter__(self: Self) -> Self:
        """Messages until the end: stops if this was closed in order, raises if it failed."""
        self._claim()
        return self

    async def __anext__(self) -> M:
        message = self._inbox.take_waiting()
        if message is not None:
            return message
        self._send_now()
        try:
            return await self._inbox.next()
        except SealpipeError:
            if self._inbox.ended_in_order:
                raise StopAsyncIteration from None
            raise

    @abstractmethod
    async def close(self) -> None:
        """Closes in order: what was written is sent first."""

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _claim(self) -> None:
        """The program starts to read this endpoint's messages."""

    def _send_now(self) -> None:
        """Sends what would leave at the end of this turn of the event loop: the program is about to wait for the
        answer."""

    def _set_status(self, status: Status) -> None:
        if self._status == status:
            return
        self._status = status
        call_safely(self._on_status, status)

    def _tell_error(self, error: SealpipeError) -> None:
        call_safely(self._on_error, error)


T = TypeVar("T")


def call_safely(callback: Callable[[T], None] | None, value: T) -> None:
    """An exception of a user's callback goes to the loop's exception handler, once the library's state is in
    order."""
    if callback is None:
        return
    try:
        callback(value)
    except Exception as error:
        context = {"message": "a callback given to sealpipe raised an exception", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
