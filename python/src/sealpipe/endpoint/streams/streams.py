"""The streams between this end and its peer, over one connection after another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ...protocol.message import check_type
from ...protocol.session import Failure, ItemCame, StreamOpened
from ..messages.message import MessageData, to_bytes
from .handled_streams import HandledStreams, StreamHandler
from .stream import Stream, StreamWire

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.profile import IncomingStreamEvent
    from ...protocol.session import SessionStreams, TraceContext
    from ..handlers import Handlers

S = TypeVar("S", bound=Stream)


class StreamLink(Protocol):
    """The part of a link that streams need."""

    @property
    def streams(self) -> SessionStreams | None:
        """Those of the present session; ``None`` while there is none. Raises a PeerError if the peer has no streams."""

    def said(self) -> None:
        """The session may have something to send."""


class _Opening(Generic[S]):
    """A stream that waits to be opened."""

    def __init__(self, type: int, data: bytes, context: TraceContext | None) -> None:
        self.type = type
        self.data = data
        self.context = context
        self.opened: asyncio.Future[S] = asyncio.get_running_loop().create_future()


class Streams(Generic[S]):
    def __init__(
        self,
        link: StreamLink,
        handlers: Handlers[StreamHandler[S]],
        make_stream: Callable[[StreamOpened, StreamWire], S],
        max_queued_bytes: int,
        max_concurrent: int,
    ) -> None:
        """``max_concurrent``: max number of handlers that run at a time."""
        self._link = link
        self._handlers = handlers
        self._make_stream = make_stream
        self._max_queued_bytes = max_queued_bytes
        self._streams: dict[int, S] = {}
        self._openings: dict[_Opening[S], None] = {}
        """In order: they wait for a session, or until the peer accepts another stream."""
        self._congested: set[int] = set()
        """Streams that wait although they have credit: more than ``max_queued_bytes`` of all of them is on its way."""
        self._handled: HandledStreams[S] = HandledStreams(max_concurrent)
        self._ending: BaseException | None = None

    async def open(self, type: int, data: MessageData, context: TraceContext | None = None) -> S:
        check_type(type)
        taken = to_bytes(data)
        if self._ending is not None:
            raise self._ending
        streams = None if self._openings else self._free
        if streams is not None:
            return self._open(streams, type, taken, context)
        opening: _Opening[S] = _Opening(type, taken, context)
        self._openings[opening] = None
        try:
            return await opening.opened
        except asyncio.CancelledError:
            if opening.opened.done() and not opening.opened.cancelled() and opening.opened.exception() is None:
                opening.opened.result()._reset(Failure("ERR_STREAM_RESET", "the peer has given the stream up"))
            raise
        finally:
            self._openings.pop(opening, None)

    def received(self, event: IncomingStreamEvent) -> None:
        """The peer opens a stream, or an event of one has arrived."""
        if isinstance(event, StreamOpened):
            self._handle(event)
            return
        # The peer may have sent it before it knew that the stream is over here.
        stream = self._streams.get(event.id)
        if stream is not None:
            stream._received(event)
        if not isinstance(event, ItemCame):
            self.open_waiting()

    def open_waiting(self) -> None:
        """The peer may accept streams that wait to be opened."""
        for opening in list(self._openings):
            if opening.opened.done():
                continue
            try:
                streams = self._free
                if streams is None:
                    return
                opening.opened.set_result(self._open(streams, opening.type, opening.data, opening.context))
            except Exception as error:
                opening.opened.set_exception(error)

    def progressed(self) -> None:
        """Some of what was written has left, or is acknowledged."""
        if not self._congested or self._is_congested(self._link.streams):
            return
        congested, self._congested = self._congested, set()
        for id in congested:
            stream = self._streams.get(id)
            if stream is not None:
                stream._give_room()

    def lost(self, error: BaseException) -> list[S]:
        """The session is lost. Returns its streams."""
        streams, self._streams = list(self._streams.values()), {}
        self._congested.clear()
        self._handled.lost()
        for stream in streams:
            stream._lost(error)
        return streams

    def end(self, error: BaseException) -> list[S]:
        """The same, and nothing more is opened."""
        self._ending = error
        streams = self.lost(error)
        for opening in list(self._openings):
            if not opening.opened.done():
                opening.opened.set_exception(error)
        return streams

    async def when_done(self) -> None:
        """Returns once no handler runs any more, except the one that calls this."""
        await self._handled.when_done()

    @property
    def _free(self) -> SessionStreams | None:
        """The session's streams, if one can be opened now. Raises a PeerError if the peer has no streams."""
        streams = self._link.streams
        return streams if streams is not None and streams.can_open else None

    def _open(self, streams: SessionStreams, type: int, data: bytes, context: TraceContext | None) -> S:
        id = streams.open(type, data, context)
        self._link.said()
        return self._add(streams, StreamOpened(id, type, data, context))

    def _add(self, streams: SessionStreams, opened: StreamOpened) -> S:
        stream = self._make_stream(opened, _Wire(self, streams, self._max_queued_bytes))
        self._streams[opened.id] = stream
        return stream

    def _handle(self, opened: StreamOpened) -> None:
        streams = self._link.streams
        if streams is None:
            return
        handler = self._handlers.find(opened.type)
        if handler is None:
            streams.reset(opened.id, Failure("ERR_NO_HANDLER", f"nobody handles streams of type {opened.type}"))
            self._link.said()
            return
        self._handled.handle(self._add(streams, opened), handler)

    def _is_congested(self, streams: SessionStreams | None) -> bool:
        """A peer may give any credit, and read nothing: how much is kept for it is this end's to decide."""
        return streams is not None and streams.queued_bytes > self._max_queued_bytes


class _Wire:
    """An application may hold a stream longer than its session lasts; the next session uses the same ids."""

    def __init__(self, owner: Streams[Any], streams: SessionStreams, max_queued_bytes: int) -> None:
        self._owner = owner
        self._streams = streams
        self.max_queued_bytes = max_queued_bytes

    def write(self, id: int, data: bytes) -> bool:
        has_credit = self._streams.write(id, data)
        self._owner._link.said()
        if not has_credit or not self._owner._is_congested(self._streams):
            return has_credit
        self._owner._congested.add(id)
        return False

    def end(self, id: int) -> None:
        self._streams.end(id)
        self._owner._link.said()

    def reset(self, id: int, failure: Failure) -> None:
        self._streams.reset(id, failure)
        self._owner._link.said()

    def stop_sending(self, id: int) -> None:
        self._streams.stop_sending(id)
        self._owner._link.said()

    def consumed(self, id: int, weight: int) -> None:
        if self._streams.consumed(id, weight):
            self._owner._link.said()

    def over(self, id: int) -> None:
        stream = self._owner._streams.get(id)
        if stream is not None and stream._wire is self:
            del self._owner._streams[id]
            self._owner._congested.discard(id)
            self._owner._handled.over(stream)
        self._owner.open_waiting()
