"""The common base of the blocking server, client and connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..endpoint.messages.message import Message
from ..errors import SealpipeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ..endpoint.endpoint import Endpoint
    from ..endpoint.status import Status
    from .event_loop import EventLoopThread
    from .handler_threads import HandlerThreads
    from .inbox import SharedInbox
    from .stream import Stream

F = TypeVar("F", bound="Callable[[Any], Any]")
M = TypeVar("M", bound=Message)
Self = TypeVar("Self", bound="BlockingEndpoint[Any]")


class BlockingEndpoint(ABC, Generic[M]):
    """Every method may be called from any thread."""

    _inner: Any

    def __init__(self, inner: Endpoint[Any], thread: EventLoopThread, handlers: HandlerThreads) -> None:
        self._inner = inner
        self._handlers = handlers
        self._inbox = cast("SharedInbox[M]", inner._inbox)
        self._thread = thread

    @property
    def status(self) -> Status:
        """The present status."""
        status: Status = self._inner.status
        return status

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

    def _adding_handler(self, type: int | None) -> Callable[[F], F]:
        """A decorator that adds a handler of requests."""

        def add(handler: F) -> F:
            self._inner._handlers.add(type, self._handlers.running(handler))
            return handler

        return add

    def _adding_stream_handler(self, type: int, face: Callable[[Any], Stream]) -> Callable[[F], F]:
        """A decorator that adds a handler of streams, which gets the ``face`` of each."""

        def add(handler: F) -> F:
            self._inner._stream_handlers.add(type, self._handlers.running_stream(handler, face))
            return handler

        return add

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
