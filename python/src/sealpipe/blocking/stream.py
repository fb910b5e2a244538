"""A stream, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..endpoint.messages.message import MessageData, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ..endpoint.streams.item import Item
    from ..endpoint.streams.stream import Stream as AsyncStream
    from .event_loop import EventLoopThread

S = TypeVar("S", bound="Stream")


class Stream:
    """Each end sends items until it ends its own direction, and reads the other's until that ends; a reset ends both at
    once. A stream goes on when the connection breaks, as long as its session does.

    Items that nobody reads hold up their writer at the peer once they fill the stream's window, and nothing else. In
    ``with`` this end's direction ends when the block does, and an exception resets the stream. Every method may be
    called from any thread; one may write while another reads."""

    def __init__(self, inner: AsyncStream, thread: EventLoopThread) -> None:
        self._inner = inner
        self._thread = thread
        self.type = inner.type
        """1 to 4294967295: what kind of stream it is."""
        self.data = inner.data
        """What it was opened with."""
        self.text = inner.text
        """``data`` as UTF-8 text."""
        self.context = inner.context
        """The trace that it belongs to, if its opener said so."""

    @property
    def failure(self) -> BaseException | None:
        """Why the stream was reset, by either end, or lost with its session; ``None`` if it was not."""
        return self._inner.failure

    def write(self, data: MessageData) -> None:
        """Sends an item, and waits while there is no credit for another; until then, or until the stream is over.

        Raises a CallerError ``ERR_INVALID_ARGUMENT``, ``ERR_MESSAGE_TOO_LARGE`` or, after ``end`` or ``reset``,
        ``ERR_CLOSED``; a PeerError ``ERR_TOO_LARGE_FOR_PEER``, ``ERR_STREAM_STOPPED`` if the peer wants no more items,
        ``ERR_SESSION_LOST``, or ``ERR_QUEUE_FULL`` if ``max_queued_bytes`` wait because several threads write; or a
        RemoteError, the reason of the peer's reset."""
        self._thread.run(self._inner.write(to_bytes(data)))

    def end(self) -> None:
        """Ends this end's direction, after what was written. Does nothing the second time."""
        self._do(self._inner.end)

    def read(self, timeout: float | None = None) -> Item | None:
        """The next item; waits for it, for ever or ``timeout`` seconds. ``None`` once the peer has ended its direction
        and all is read.

        Raises a RemoteError, the reason of the peer's reset; a PeerError ``ERR_READ_TIMEOUT``, or ``ERR_SESSION_LOST``
        once all is read that had arrived; or a CallerError ``ERR_CLOSED`` or ``ERR_INVALID_OPTION``."""
        return self._thread.run(self._inner.read(timeout))

    def __iter__(self: S) -> S:
        """Items until the peer ends its direction; raises if the stream is reset or lost. After leaving the loop early,
        call ``stop`` if you want no more."""
        return self

    def __next__(self) -> Item:
        item = self.read()
        if item is None:
            raise StopIteration
        return item

    def stop(self) -> None:
        """Tells the peer that this end wants no more items; unread ones, and those that still come, are dropped. The
        other direction goes on."""
        self._do(self._inner.stop)

    def reset(self, code: str = "ERR_STREAM_RESET", message: str = "the stream was reset") -> None:
        """Ends both directions at once: unsent and unread items are dropped. Reads and writes then fail, at the peer
        with a RemoteError of that code and message, and here with ``ERR_CLOSED``. Does nothing if the stream is over.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if the code is not 1 to 64 characters of ``A-Z 0-9 _``."""
        self._do(lambda: self._inner.reset(code, message))

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.run(self._inner.__aexit__(exc_type, exc, traceback))

    def _do(self, act: Callable[[], Any]) -> None:
        async def do() -> None:
            act()

        self._thread.run(do())
