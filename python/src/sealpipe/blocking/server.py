"""A server with any number of clients, and its connections, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..endpoint.admin.admin_handlers import ShutdownRequest
from ..endpoint.messages.message import MessageData, MessageFrom, to_bytes
from ..endpoint.server.connection import Faces
from ..endpoint.server.server import Server as AsyncServer
from .endpoint import BlockingEndpoint
from .handler_threads import BlockingHandler, BlockingStreamHandler, HandlerThreads, ShutdownThread
from .inbox import SharedInbox
from .peer_endpoint import PeerEndpoint
from .root import Root
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint.call_options import Slow
    from ..endpoint.options.parse_options import ParsedServerOptions
    from ..endpoint.requests.request import RequestFrom
    from ..endpoint.server.connection import Connection as AsyncConnection
    from ..endpoint.server.connection import ConnectionStream as AsyncConnectionStream
    from ..protocol.session import TraceContext
    from ..transport.address import Address
    from .event_loop import EventLoopThread

H = TypeVar("H", bound="BlockingHandler[RequestFrom[Connection]]")
SH = TypeVar("SH", bound="BlockingStreamHandler[ConnectionStream]")


class ConnectionStream(Stream):
    """A stream between a server and a client."""

    def __init__(self, inner: AsyncConnectionStream, thread: EventLoopThread) -> None:
        super().__init__(inner, thread)
        self.connection: Connection = inner.connection._face
        """The connection that it belongs to."""


class Connection(PeerEndpoint[MessageFrom["Connection"]]):
    """A server's end of one client's connection.

    Its messages go to the server's readers, until the program reads from this connection: from then on they go only
    there."""

    _inner: AsyncConnection

    def __init__(self, inner: AsyncConnection, faces: _Faces) -> None:
        super().__init__(inner, faces.thread, faces.handlers, faces.options)
        self._faces = faces
        self._is_claimed = False

    @property
    def id(self) -> int:
        """A number that no other connection of this server has."""
        return self._inner.id

    @property
    def skipped_messages(self) -> int:
        """Messages of broadcasts that were not written to this client, because ``max_queued_bytes`` waited for it."""
        return self._inner.skipped_messages

    def read(self, timeout: float | None = None) -> MessageFrom[Connection]:
        self._claim()
        return super().read(timeout)

    def __iter__(self) -> Connection:
        """Messages until the end: stops if this was closed in order, raises if it failed."""
        self._claim()
        return self

    def write(self, type: int, data: MessageData) -> None:
        """Queues a message for this client, and returns. While a quarter of ``max_queued_bytes`` is still to be sent,
        it waits first; nothing of a write that is interrupted meanwhile is sent.

        What is written to a client that has left is dropped, as is what was on its way when it left: that a client
        did not wait for its answer is not an error of the server. ``status`` shows it.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE``, or ``ERR_CLOSED`` after a ``close`` or ``destroy`` at this end, and nothing else.
        """
        self._outbox.push(type, data)

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles the client's requests of that type: ``@connection.handle(1)``, in place of the server's own handler.
        The handler runs in a thread of the library's, of which there are at most 32 for a server, and may block. What
        it returns is the answer. ``close`` waits for handlers that run, so a handler must not call it.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler, or the handler is a coroutine function."""
        return self._adding_handler(type)

    def open_stream(
        self, type: int, data: MessageData = b"", *, context: TraceContext | None = None
    ) -> ConnectionStream:
        """Opens a stream to the client; waits while the client has ``max_concurrent_streams`` of this end's open.

        Raises a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_STREAMS`` if the client does not know of streams,
        or ``ERR_TOO_LARGE_FOR_PEER``; or a CallerError as ``write``. A client that handles no streams of that type
        resets the stream with ``ERR_NO_HANDLER``."""
        opened = to_bytes(data)
        return self._faces.stream(self._ask(lambda: self._inner.open_stream(type, opened, context=context), None))

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the client's streams of that type, in place of the server's handler: ``@connection.stream(2)``.

        Raises a CallerError as ``handle``."""
        return self._adding_stream_handler(type, self._faces.stream)

    def flush(self) -> None:
        """Returns once everything written has left this process. Only an answer shows that the peer has read it.

        Raises a PeerError, the failure of the connection, or a CallerError ``ERR_CLOSED``."""
        self._thread.run(self._flush())

    def close(self) -> None:
        """Closes in order: what was written is sent first. Returns once all is closed; a second call does
        nothing."""
        self._handlers.check_may_wait()
        self._thread.run(self._close())

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection, and everything queued with it. Pending reads raise ``error``."""
        self._thread.post(lambda: self._inner.destroy(error))

    def _claim(self) -> None:
        if not self._is_claimed:
            self._thread.run(self._claim_messages())
            self._is_claimed = True

    async def _claim_messages(self) -> None:
        self._inner._claim()

    async def _flush(self) -> None:
        self._outbox.pump()
        await self._inner.flush()


class _Faces(Faces):
    """The blocking face of a server's connections."""

    def __init__(self, thread: EventLoopThread, options: ParsedServerOptions) -> None:
        self.thread = thread
        self.options = options
        self.handlers = HandlerThreads()

    def inbox(self) -> SharedInbox[MessageFrom[Any]]:
        return SharedInbox(self.thread)

    def connection(self, connection: AsyncConnection) -> Connection:
        return Connection(connection, self)

    def stream(self, stream: AsyncConnectionStream) -> ConnectionStream:
        return ConnectionStream(stream, self.thread)

    def shutdown(self, request: ShutdownRequest[AsyncConnection]) -> ShutdownRequest[Connection]:
        face: Connection = request.connection._face
        return ShutdownRequest(request.reason, face)


class Server(BlockingEndpoint[MessageFrom[Connection]]):
    """Created by :func:`sealpipe.serve`."""

    _inner: AsyncServer
    _faces: _Faces

    def __init__(
        self,
        name: str,
        address: Address,
        options: ParsedServerOptions,
        prepare: Callable[[Server], object] | None = None,
    ) -> None:
        async def start(thread: EventLoopThread) -> AsyncServer:
            self._faces = _Faces(thread, options)
            return AsyncServer(name, address, options, self._faces)

        self._root = Root(start)
        super().__init__(self._root.inner, self._root.thread, self._faces.handlers)
        try:
            if prepare is not None:
                prepare(self)
            self._thread.run(self._inner.listen())
        except BaseException:
            self._root.release()
            raise
        self._thread.close_at_exit(self._root, self._close)

    @property
    def name(self) -> str:
        """The name it was started with."""
        return self._inner.name

    @property
    def address(self) -> str:
        """The address: the socket's path or the pipe's name."""
        return self._inner.address

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients that are connected now."""
        return tuple(connection._face for connection in self._inner.connections)

    def accept(self, timeout: float | None = None) -> Connection:
        """The next client: its connection, once its handshake is over. Waits for ever or ``timeout`` seconds.

        A client that has left before ``accept``, and left nothing to read, is skipped.

        Raises a PeerError ``ERR_READ_TIMEOUT``, or a CallerError ``ERR_CLOSED`` once the server is closed.
        """
        face: Connection = self._thread.run(self._inner.accept(timeout))._face
        return face

    def broadcast(self, type: int, data: MessageData, *, slow: Slow = "skip") -> None:
        """Writes a message to every client that is connected, and waits until all have room again or are gone.

        After a client has had no room for ``broadcast_grace``, broadcasts do not wait for it until it has read all that
        was written to it. Once ``max_queued_bytes`` wait for it, ``slow`` says what happens: with ``"skip"`` the
        message is not written to it, its ``skipped_messages`` counts that, and ``on_error`` gets ``ERR_QUEUE_FULL``,
        once until it has room again; with ``"drop"`` its connection is dropped, for messages of which none may be
        missed; with ``"wait"`` the broadcast waits for it as long as it takes, as all other clients do, and the client
        is dropped if threads that do not wait for each other broadcast.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_INVALID_OPTION``, ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; then no client was written to.
        """
        self._thread.run(self._broadcast(type, data, slow))

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles all clients' requests of that type, except those of connections that have a handler of their own for
        it: ``@server.handle(1)``. The handler runs in a thread of the library's, of which there are at most 32 for a
        server, and may block. What it returns is the answer. ``close`` waits for handlers that run, so a handler must
        not call it.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler, or the handler is a coroutine function."""
        return self._adding_handler(type)

    def handle_any(self, handler: H) -> H:
        """Handles all clients' requests of all types without a handler of their own, for taps, proxies and the like:
        ``@server.handle_any``. The request's ``type`` shows which type it is.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if there is one already."""
        return self._adding_handler(None)(handler)

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the clients' streams of that type: ``@server.stream(2)`` on a generator, whose items are written, or
        on a function. It runs in a thread of the library's, of which there are at most 256 for a server, and may block.
        At most ``max_concurrent_streams`` of a client are open at a time.

        Raises a CallerError as ``handle``."""
        return self._adding_stream_handler(type, self._faces.stream)

    def allow_describe(self, allowed: bool = True) -> None:
        """Lets clients ask what this server is, by ``Client.describe``. Without a call of this they get
        ``ERR_NOT_ALLOWED``."""
        self._inner.allow_describe(allowed)

    def allow_shutdown(
        self, handler: Callable[[ShutdownRequest[Connection]], None]
    ) -> Callable[[ShutdownRequest[Connection]], None]:
        """Lets clients ask this server to shut down, by ``Client.shutdown_server``: ``@server.allow_shutdown``. Any
        process that can connect may ask.

        The handler is called once a client has its answer, in a thread of its own; it may close the server. While it
        runs, further requests to shut down begin nothing.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if there is one already."""
        self._inner.allow_shutdown(ShutdownThread(handler, self._faces.shutdown))
        return handler

    def close(self) -> None:
        """Stops listening, ends every connection in order and removes the socket.

        Returns once all is closed, and waits for each peer as ``Connection.close`` does."""
        self._handlers.check_may_wait()
        self._root.end(self._close)
        self._handlers.end()

    def destroy(self, error: BaseException | None = None) -> None:
        """Stops listening and drops every connection at once. Pending reads raise ``error``."""
        self._handlers.check_may_wait()
        self._root.end(lambda: self._destroy(error))
        self._handlers.end()

    async def _broadcast(self, type: int, data: MessageData, slow: Slow) -> None:
        # What the caller wrote to one of them before is before it.
        self._pump()
        await self._inner.broadcast(type, data, slow=slow)

    async def _close(self) -> None:
        self._pump()
        await self._inner.close()

    async def _destroy(self, error: BaseException | None) -> None:
        self._inner.destroy(error)
        await self._inner.close()

    def _pump(self) -> None:
        for connection in self.connections:
            connection._outbox.pump()
