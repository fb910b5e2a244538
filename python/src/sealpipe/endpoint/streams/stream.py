"""Items in order, both ways."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from ...errors import CallerError, PeerError, RemoteError
from ...protocol.native.wire.failure import is_failure_code
from ...protocol.session import Failure, ItemCame, StreamEnded, StreamReset, StreamStopped
from ..call_options import check_timeout
from ..messages.message import MessageData, to_bytes
from ..reading.inbox import closed_error, read_timeout
from ..reading.waiter import wait_among
from ..requests.cancel_soon import cancel_soon
from .item import Item

if TYPE_CHECKING:
    from types import TracebackType

    from ...protocol.profile import IncomingStreamEvent
    from ...protocol.session import StreamOpened

_ITEM_OVERHEAD_BYTES = 64
"""Bytes that an item counts for besides its data while it waits for credit."""


class StreamWire(Protocol):
    """How a stream reaches the peer. Calls do nothing once the stream is over."""

    @property
    def max_queued_bytes(self) -> int: ...

    def write(self, id: int, data: bytes) -> bool:
        """Whether there is credit for another item. Raises a CallerError ``ERR_MESSAGE_TOO_LARGE`` or a PeerError
        ``ERR_TOO_LARGE_FOR_PEER``."""
        ...

    def end(self, id: int) -> None: ...

    def reset(self, id: int, failure: Failure) -> None: ...

    def stop_sending(self, id: int) -> None: ...

    def consumed(self, id: int, weight: int) -> None: ...

    def over(self, id: int) -> None:
        """Both directions have ended, or the stream was reset."""


S = TypeVar("S", bound="Stream")


class Stream:
    """Each end sends items until it ends its own direction, and reads the other's until that ends; a reset ends both at
    once. A stream goes on when the connection breaks, as long as its session does.

    Items that nobody reads hold up their writer at the peer once they fill the stream's window, and nothing else. In
    ``async with`` this end's direction ends when the block does, and an exception resets the stream."""

    def __init__(self, opened: StreamOpened, wire: StreamWire) -> None:
        self.id = opened.id
        self.type = opened.type
        """1 to 4294967295: what kind of stream it is."""
        self.data = opened.data
        """What it was opened with."""
        self.context = opened.context
        """The trace that it belongs to, if its opener said so."""
        self._wire = wire
        self._items: deque[Item] = deque()
        self._readers: deque[asyncio.Future[None]] = deque()
        self._peer_ended = False
        """No more items come, or the application wants no more."""
        self._ended: Literal["here", "stopped"] | None = None
        """How this end's direction ended: by a call here, or because the peer wants no more items."""
        self._failure: BaseException | None = None
        """Why the stream was reset, by either end, or lost with its session."""
        self._held_bytes = 0
        """Bytes that were written since there was no credit."""
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None
        """Its handler, if it has one."""

    @property
    def text(self) -> str:
        """``data`` as UTF-8 text."""
        return self.data.decode("utf-8", "replace")

    @property
    def failure(self) -> BaseException | None:
        """Why the stream was reset, by either end, or lost with its session; ``None`` if it was not."""
        return self._failure

    async def write(self, data: MessageData) -> None:
        """Sends an item, and waits while there is no credit for another; until then, or until the stream is over.

        Raises a CallerError ``ERR_INVALID_ARGUMENT``, ``ERR_MESSAGE_TOO_LARGE`` or, after ``end`` or ``reset``,
        ``ERR_CLOSED``; a PeerError ``ERR_TOO_LARGE_FOR_PEER``, ``ERR_STREAM_STOPPED`` if the peer wants no more items,
        ``ERR_SESSION_LOST``, or ``ERR_QUEUE_FULL`` if ``max_queued_bytes`` wait because writes do not wait for each
        other; or a RemoteError, the reason of the peer's reset."""
        if self._failure is not None:
            raise self._failure
        if self._ended == "stopped":
            raise PeerError("ERR_STREAM_STOPPED", "the peer wants no more items of this stream")
        if self._ended == "here":
            raise closed_error()
        taken = to_bytes(data)
        if self._held_bytes > self._wire.max_queued_bytes:
            raise PeerError(
                "ERR_QUEUE_FULL",
                f"more than {self._wire.max_queued_bytes} bytes of this stream wait for the peer, and nobody waited "
                "for its earlier writes",
            )
        # For a peer that is away this may have been one byte too many.
        if self._wire.write(self.id, taken) or self._is_over:
            return
        self._held_bytes += len(taken) + _ITEM_OVERHEAD_BYTES
        self._room.clear()
        await self._room.wait()

    def end(self) -> None:
        """Ends this end's direction, after what was written. Does nothing the second time."""
        if self._ended is None and self._failure is None:
            self._ended = "here"
            self._wire.end(self.id)
            self._notice_end()

    async def read(self, timeout: float | None = None) -> Item | None:
        """The next item; waits for it, for ever or ``timeout`` seconds. ``None`` once the peer has ended its direction
        and all is read.

        Raises a RemoteError, the reason of the peer's reset; a PeerError ``ERR_READ_TIMEOUT``, or ``ERR_SESSION_LOST``
        once all is read that had arrived; or a CallerError ``ERR_CLOSED`` or ``ERR_INVALID_OPTION``."""
        check_timeout(timeout)
        while not self._items:
            if self._peer_ended:
                return None
            if self._failure is not None:
                raise self._failure
            await wait_among(self._readers, timeout, _no_item, self._give_back)
        item = self._items.popleft()
        self._wire.consumed(self.id, item._weight)
        return item

    def __aiter__(self: S) -> S:
        """Items until the peer ends its direction; raises if the stream is reset or lost. After leaving the loop early,
        call ``stop`` if you want no more."""
        return self

    async def __anext__(self) -> Item:
        item = await self.read()
        if item is None:
            raise StopAsyncIteration
        return item

    def stop(self) -> None:
        """Tells the peer that this end wants no more items; unread ones, and those that still come, are dropped. The
        other direction goes on."""
        is_news = not self._peer_ended and self._failure is None
        self._peer_ended = self._peer_ended or is_news
        self._drop_items()
        self._wake_readers()
        if is_news:
            self._wire.stop_sending(self.id)
            self._notice_end()

    def reset(self, code: str = "ERR_STREAM_RESET", message: str = "the stream was reset") -> None:
        """Ends both directions at once: unsent and unread items are dropped. Reads and writes then fail, at the peer
        with a RemoteError of that code and message, and here with ``ERR_CLOSED``. Does nothing if the stream is over.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if the code is not 1 to 64 characters of ``A-Z 0-9 _``."""
        if not is_failure_code(code):
            raise CallerError("ERR_INVALID_ARGUMENT", f"a code is 1 to 64 characters of A-Z 0-9 _, not {code!r}")
        self._reset(Failure(code, message))

    async def __aenter__(self: S) -> S:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            self.end()
            self.stop()
        else:
            self._reset(Failure("ERR_STREAM_RESET", "the peer has given the stream up"))

    # Called by the streams of a link.

    def _received(self, event: IncomingStreamEvent) -> None:
        """An event of this stream has come from the peer."""
        if isinstance(event, ItemCame):
            self._push(Item(event.data, event.weight))
            return
        if isinstance(event, StreamReset):
            self._fail(RemoteError(event.code, event.message), unread="drop")
            return
        if isinstance(event, StreamEnded):
            self._peer_ended = True
            self._wake_readers()
        elif isinstance(event, StreamStopped):
            self._ended = "stopped"
        if not isinstance(event, StreamEnded):
            self._give_room()
        self._notice_end()

    def _lost(self, error: BaseException) -> None:
        """The session is lost. Items that had arrived can still be read."""
        if not self._is_over:
            self._fail(error, unread="keep")

    def _reset(self, failure: Failure) -> None:
        if not self._is_over:
            self._wire.reset(self.id, failure)
            self._fail(closed_error(), unread="drop")

    @property
    def _is_over(self) -> bool:
        return self._failure is not None or (self._ended is not None and self._peer_ended)

    def _push(self, item: Item) -> None:
        if self._peer_ended or self._failure is not None:
            self._wire.consumed(self.id, item._weight)
            return
        self._items.append(item)
        self._wake_readers(1)

    def _fail(self, error: BaseException, *, unread: Literal["keep", "drop"]) -> None:
        self._failure = error
        if unread == "drop":
            self._drop_items()
            self._peer_ended = False
        self._wake_readers()
        self._give_room()
        self._wire.over(self.id)
        if self._task is not None and self._task is not asyncio.current_task():
            cancel_soon(self._task)

    def _drop_items(self) -> None:
        while self._items:
            self._wire.consumed(self.id, self._items.popleft()._weight)

    def _notice_end(self) -> None:
        if self._is_over:
            self._give_room()
            self._wire.over(self.id)

    def _give_room(self) -> None:
        self._held_bytes = 0
        self._room.set()

    def _wake_readers(self, count: int | None = None) -> None:
        while self._readers and (count is None or count > 0):
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
                count = None if count is None else count - 1

    def _give_back(self, _: None) -> None:
        """A read that was woken, and is cancelled, leaves the item to the next."""
        if self._items:
            self._wake_readers(1)


def _no_item(timeout: float) -> Exception:
    return read_timeout(timeout, "item")
