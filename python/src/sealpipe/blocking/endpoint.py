"""The common base of the blocking server, client and connection."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..endpoint.message import Message
from ..errors import PeerError, SealpipeError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from ..endpoint.endpoint import Endpoint
    from ..endpoint.status import Status
    from .event_loop import EventLoopThread
    from .inbox import SharedInbox

A = TypeVar("A")
M = TypeVar("M", bound=Message)
Self = TypeVar("Self", bound="BlockingEndpoint[Any]")


class BlockingEndpoint(ABC, Generic[M]):
    """Every method may be called from any thread."""

    def __init__(self, inner: Endpoint[Any], thread: EventLoopThread) -> None:
        self._inner = inner
        self._inbox = cast("SharedInbox[M]", inner._inbox)
        self._thread = thread

    @property
    def status(self) -> Status:
        """The present status."""
        return self._inner.status

    def read(self, timeout: float | None = None) -> M:
        """Waits for the next message, for ever or ``timeout`` seconds (0: not at all).

        Messages that nobody reads wait, up to ``max_queued_bytes``, and then hold up the peer.

        Raises a PeerError ``ERR_READ_TIMEOUT``; a CallerError ``ERR_CLOSED`` once it is closed and nothing is left
        to read, or ``ERR_INVALID_OPTION``; or the error with which it failed."""
        if self._thread.is_of_parent:
            self._thread.check_is_own()
        return self._inbox.take(timeout)

    def __iter__(self: Self) -> Self:
        """Messages until the end: stops if this was closed in order, raises if it failed."""
        return self

    def __next__(self) -> M:
        if self._thread.is_of_parent:
            self._thread.check_is_own()
        try:
            return self._inbox.take()
        except SealpipeError:
            if self._inbox.ended_in_order:
                raise StopIteration from None
            raise

    async def _ask(self, act: Coroutine[Any, Any, A], timeout: float | None) -> A:
        """Raises a PeerError ``ERR_REQUEST_TIMEOUT``."""
        try:
            return await asyncio.wait_for(act, timeout)
        except asyncio.TimeoutError:
            raise PeerError("ERR_REQUEST_TIMEOUT", f"no answer came within {timeout:g} s") from None

    @abstractmethod
    def close(self) -> None:
        """Closes in order: what was written is sent first. Returns once all is closed; a second call does
        nothing."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
