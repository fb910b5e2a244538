"""A server's end of one client's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ...errors import PeerError
from ...protocol.message import check_message
from ...protocol.profile import AdminRequestCame, RequestCame
from ..endpoint import Endpoint
from ..handlers import Handlers, adding
from ..link.link import Link
from ..link.link_options import LinkOptions
from ..messages.message import MessageData, MessageFrom, to_bytes
from ..options.parse_options import ParsedOptions
from ..options.trace_context import checked_context
from ..reading.inbox import Inbox, closed_error
from ..requests.request import Answer, RequestFrom, RequestHandler
from ..streams.stream import Stream, StreamWire
from .connection_life import ConnectionLife, LifeHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.native.options import NativePeer
    from ...protocol.profile import ProfileName
    from ...protocol.session import StreamOpened, TraceContext
    from ..call_options import Slow
    from ..driver.established import Established
    from ..options.parse_options import ParsedServerOptions
    from ..streams.handled_streams import StreamHandler


class ConnectionStream(Stream):
    """A stream between a server and a client."""

    def __init__(self, opened: StreamOpened, wire: StreamWire, connection: Connection) -> None:
        super().__init__(opened, wire)
        self.connection = connection
        """The connection that it belongs to."""


H = TypeVar("H", bound="RequestHandler[RequestFrom[Connection]]")
SH = TypeVar("SH", bound="StreamHandler[ConnectionStream]")


class Faces:
    """What the program sees of a server's connections: themselves, unless it has the blocking face."""

    def inbox(self) -> Inbox[MessageFrom[Any]]:
        return Inbox()

    def connection(self, connection: Connection) -> Any:
        """What the messages of a connection have as their connection."""
        return connection


class ConnectionHost(LifeHost, Protocol):
    """What a connection needs of its server."""

    @property
    def options(self) -> ParsedServerOptions: ...

    @property
    def faces(self) -> Faces: ...

    @property
    def handlers(self) -> Handlers[RequestHandler[RequestFrom[Connection]]]: ...

    @property
    def stream_handlers(self) -> Handlers[StreamHandler[ConnectionStream]]: ...

    @property
    def find_admin(self) -> Callable[[int], RequestHandler[RequestFrom[Connection]] | None]:
        """What answers requests to the library itself."""
        ...

    def keeps_more(self) -> None:
        """More bytes are kept for a client without a connection."""


class Connection(Endpoint[MessageFrom["Connection"]]):
    """Its messages go to the server's readers, until the program reads from this connection."""

    def __init__(self, id: int, established: Established, host: ConnectionHost) -> None:
        # The server reports its connections' errors, but not their statuses.
        super().__init__(ParsedOptions(), host.faces.inbox())
        self.id = id
        """A number that no other connection of this server has."""
        self._host = host
        self._told_too_large = False
        self._skipped_messages = 0
        self._told_skipping = False
        """Skipped messages have been reported since it last had room."""
        self._handlers: Handlers[RequestHandler[RequestFrom[Connection]]] = Handlers("requests", host.handlers)
        self._stream_handlers: Handlers[StreamHandler[ConnectionStream]] = Handlers("streams", host.stream_handlers)
        self._link: Link[RequestFrom[Connection], ConnectionStream] = Link(
            LinkOptions(
                limits=host.options,
                quota=established.quota,
                queues_offline=False,
                keeps_more=host.keeps_more,
                handlers=self._handlers,
                make_request=self._request_of,
                stream_handlers=self._stream_handlers,
                make_stream=lambda opened, wire: ConnectionStream(opened, wire, self),
                find_admin=host.find_admin,
            )
        )
        self._face: Any = host.faces.connection(self)
        """What messages have as their connection."""
        self._life: ConnectionLife[Connection] = ConnectionLife(self, self._face, self._link, established, host)
        self._life.open()

    @property
    def profile(self) -> ProfileName:
        """The protocol: ``"classic"`` is golang-ipc's, ``"native"`` is sealpipe's own."""
        return self._life.established.event.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted."""
        return self._life.established.event.encrypted

    @property
    def peer(self) -> NativePeer | None:
        """What a native client declares about its process."""
        native = self._life.established.event.native
        return None if native is None else native.peer

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process or, with a native client, have not been read by it.
        With a native client a message counts as some 70 bytes more than its data."""
        return 0 if self._life.is_over else self._link.queued_bytes

    @property
    def skipped_messages(self) -> int:
        """Messages of broadcasts that were not written to this client, because ``max_queued_bytes`` waited for it."""
        return self._skipped_messages

    async def write(self, type: int, data: MessageData) -> None:
        """Queues a message for this client, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        What is written to a client that has left is dropped, as is what was on its way when it left: that a client
        did not wait for its answer is not an error of the server. ``status`` shows it. A client that does not read
        while writes that do not wait for each other queue ``max_queued_bytes`` for it is dropped, and ``on_error``
        gets ``ERR_QUEUE_FULL``. A message that is larger than the client accepts is dropped, and ``on_error`` gets
        ``ERR_TOO_LARGE_FOR_PEER`` for the first.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE``, or ``ERR_CLOSED`` after a ``close`` or ``destroy`` at this end, and nothing else.
        """
        self._check_open()
        self._take(type, to_bytes(data))
        if not self._link.has_room:
            await self._room()

    async def flush(self) -> None:
        """Returns once everything written has left this process or, with a native client, has been read by its
        application. Only an answer of its own shows that a classic client has read it.

        Raises a PeerError, the failure of the connection, or a CallerError ``ERR_CLOSED``."""
        if self._life.is_over:
            raise closed_error()
        await self._link.flush()

    async def request(self, type: int, data: MessageData, *, context: TraceContext | None = None) -> Answer:
        """Sends a request to the client, and waits for its answer. If the wait is cancelled, as by
        ``asyncio.timeout``, so is the request.

        Raises a RemoteError, what its handler raised; a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_CONNECTION_LOST`` if
        the client does not come back, ``ERR_TOO_LARGE_FOR_PEER``, or ``ERR_QUEUE_FULL`` if ``max_queued_bytes`` of
        requests wait for it; or a CallerError as ``write``, or ``ERR_CLOSED`` if the client has left."""
        if self._life.is_over or self._life.ended_here:
            raise closed_error()
        taken = to_bytes(data)
        self._link.check_request_room()
        return await self._link.asked.request(type, taken, checked_context(context))

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles the client's requests of that type, in place of the server's own handler: ``@connection.handle(1)``.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler."""
        return adding(self._handlers, type)

    async def open_stream(
        self, type: int, data: MessageData = b"", *, context: TraceContext | None = None
    ) -> ConnectionStream:
        """Opens a stream to the client; waits while the client has ``max_concurrent_streams`` of this end's open.

        Raises a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_STREAMS`` if the client does not know of streams,
        or ``ERR_TOO_LARGE_FOR_PEER``; or a CallerError as ``write``. A client that handles no streams of that type
        resets the stream with ``ERR_NO_HANDLER``."""
        if self._life.is_over or self._life.ended_here:
            raise closed_error()
        return await self._link.own_streams.open(type, data, checked_context(context))

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the client's streams of that type, in place of the server's handler: ``@connection.stream(2)``.

        Raises a CallerError as ``handle``."""
        return adding(self._stream_handlers, type)

    async def close(self) -> None:
        """Ends the connection in order: what was written is sent first, unread messages are dropped.

        Returns once it is closed: the peer has ``close_timeout`` to accept each tenth of what was written, and ten
        times that in all."""
        self._life.close()
        await self._when_closed.wait()
        await self._link.when_done()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection at once, and everything queued with it.

        Pending reads and flushes raise ``error``, and the status becomes ``error``; without an error these are
        ``ERR_CLOSED`` and ``closed``. ``on_error`` is not called."""
        self._life.destroy(error)

    # Called by the server, and by the blocking face.

    def _check_open(self) -> None:
        if self._life.ended_here:
            raise closed_error()

    def _take(self, type: int, data: bytes, slow: Slow = "drop") -> None:
        """Queues a message, or drops it if the client gets nothing more. Errors that the client causes are not
        raised."""
        check_message(type, len(data), self._host.options.max_message_bytes)
        if self._life.ended_here or not self._link.can_send:
            return
        try:
            self._link.write(type, data)
        except PeerError as error:
            if slow == "skip" and error.code == "ERR_QUEUE_FULL":
                self._skip(error)
            else:
                self._not_taken(error)
        else:
            if self._told_skipping and self._has_room:
                self._told_skipping = False

    def _skip(self, error: PeerError) -> None:
        """The message is not written to the client, which reads too slowly."""
        self._skipped_messages += 1
        if not self._told_skipping:
            self._told_skipping = True
            self._host.told(error)

    def _not_taken(self, error: PeerError) -> None:
        """The client does not accept what is written to it."""
        if error.code != "ERR_TOO_LARGE_FOR_PEER":
            self._life.drop(error)
        elif not self._told_too_large:
            self._told_too_large = True
            self._host.told(error)

    @property
    def _has_room(self) -> bool:
        """Whether ``_room`` returns at once."""
        return self._life.ended_here or self._link.has_room

    async def _room(self) -> None:
        """Returns at once while there is room, or if nothing more can be queued, else when there is room."""
        if not self._life.ended_here:
            await self._link.room()

    def _hold(self) -> None:
        self._life.established.driver.hold()

    def _send_now(self) -> None:
        self._life.established.driver.flush_scheduled()

    def _claim(self) -> None:
        self._life.claim()

    def _request_of(self, came: RequestCame | AdminRequestCame) -> RequestFrom[Connection]:
        if isinstance(came, AdminRequestCame):
            return RequestFrom(came.operation, came.data, connection=self)
        return RequestFrom(came.type, came.data, came.context, connection=self._face)
