"""What the blocking server, client and connection have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..endpoint.message import Message

if TYPE_CHECKING:
    from types import TracebackType

    from ..endpoint.endpoint import Endpoint
    from ..endpoint.status import Status
    from .event_loop import EventLoopThread

M = TypeVar("M", bound=Message)
Self = TypeVar("Self", bound="BlockingEndpoint[Any]")


class BlockingEndpoint(Generic[M]):
    """Every method may be called from any thread."""

    def __init__(self, inner: Endpoint[Any], thread: EventLoopThread) -> None:
        self._inner = inner
        self._thread = thread

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self._inner.status

    def read(self, timeout: float | None = None) -> M:
        """The next message; waits for it, for ever or ``timeout`` seconds (0: not at all).

        Messages that nobody reads wait, up to ``max_queued_bytes``, and then hold up the peer.

        Raises a PeerError ``ERR_READ_TIMEOUT``; a CallerError ``ERR_CLOSED`` once it is closed and nothing is left to
        read, or ``ERR_INVALID_OPTION``; or what made it fail.
        """
        return self._message_of(self._thread.run(self._inner.read(timeout)))

    def __iter__(self: Self) -> Self:
        """Messages until the end: stops where it was closed in order, raises where it failed."""
        self._inner.__aiter__()
        return self

    def __next__(self) -> M:
        try:
            return self._message_of(self._thread.run(self._inner.__anext__()))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Ends it in order: what was written is sent first. Returns once it is closed; a second call does nothing."""
        self._thread.run(self._inner.close())

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def _message_of(self, message: Any) -> M:
        """The message as this face has it."""
