"""A client that stays connected, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..endpoint.client.client import Client as AsyncClient
from ..endpoint.messages.message import Message, MessageData, to_bytes
from .handler_threads import BlockingHandler, BlockingStreamHandler, HandlerThreads
from .inbox import SharedInbox
from .peer_endpoint import PeerEndpoint
from .root import Root
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint.admin.description import ServerDescription
    from ..endpoint.options.parse_options import ParsedClientOptions
    from ..endpoint.requests.request import Request
    from ..endpoint.streams.stream import Stream as AsyncStream
    from ..errors import SealpipeError
    from ..protocol.session import TraceContext
    from ..transport.address import Address
    from .event_loop import EventLoopThread

H = TypeVar("H", bound="BlockingHandler[Request]")
SH = TypeVar("SH", bound="BlockingStreamHandler[Stream]")


class Client(PeerEndpoint[Message]):
    """Created by :func:`sealpipe.connect` or :func:`sealpipe.create_client`."""

    _inner: AsyncClient

    def __init__(self, name: str, address: Address, options: ParsedClientOptions, *, wait: bool) -> None:
        async def start(thread: EventLoopThread) -> AsyncClient:
            client = AsyncClient(name, address, options, SharedInbox(thread))
            return await client.established() if wait else client

        self._root = Root(start)
        super().__init__(self._root.inner, self._root.thread, HandlerThreads(), options)
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
    def last_error(self) -> SealpipeError | None:
        """Why the client is not connected: the failure of its last try, or what its connection was lost by."""
        return self._inner.last_error

    def connected(self, timeout: float | None = None) -> None:
        """Returns once the client is connected: at once if it is, and again after a loss.

        Raises a SystemError ``ERR_CONNECT_TIMEOUT`` after ``timeout`` seconds, and the client goes on trying; the error
        with which the client failed; or a CallerError ``ERR_CLOSED`` or ``ERR_INVALID_OPTION``."""
        self._thread.run(self._inner.connected(timeout))

    def write(self, type: int, data: MessageData) -> None:
        """Queues a message for the server, and returns. While a quarter of ``max_queued_bytes`` is still to be sent,
        it waits first; nothing of a write that is interrupted meanwhile is sent.

        While the client reconnects, messages wait for the connection, in order, unless ``offline_queue`` is off. On
        the classic wire the server acknowledges nothing: a message that was on its way when the connection broke may
        or may not have arrived.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``. What is found out only after it has returned is raised by the next
        ``write`` or ``flush``, which then does nothing else: a PeerError ``ERR_TOO_LARGE_FOR_PEER``, or
        ``ERR_NOT_CONNECTED`` without a connection if ``offline_queue`` is off."""
        self._outbox.push(type, data)

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles the server's requests of that type: ``@client.handle(1)``. The handler runs in a thread of the
        library's, of which there are at most 32, and may block. What it returns is the answer. ``close`` waits for
        handlers that run, so a handler must not call it.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler, or the handler is a coroutine function."""
        return self._adding_handler(type)

    def open_stream(self, type: int, data: MessageData = b"", *, context: TraceContext | None = None) -> Stream:
        """Opens a stream to the server; waits while the server has ``max_concurrent_streams`` of this client's open,
        and for the connection.

        Raises a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_STREAMS`` if the server does not know of streams,
        ``ERR_TOO_LARGE_FOR_PEER``, or ``ERR_NOT_CONNECTED`` if ``offline_queue`` is off; or a CallerError as ``write``.
        A server that handles no streams of that type resets the stream with ``ERR_NO_HANDLER``."""
        opened = to_bytes(data)
        return self._face_of(self._ask(lambda: self._inner.open_stream(type, opened, context=context), None))

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the server's streams of that type: ``@client.stream(2)`` on a generator, whose items are written, or
        on a function. It runs in a thread of the library's, of which there are at most 256, and may block.

        Raises a CallerError as ``handle``."""
        return self._adding_stream_handler(type, self._face_of)

    def describe(self, *, timeout: float | None = None) -> ServerDescription:
        """Asks the server what it is. It answers if its application has called ``Server.allow_describe``.

        Raises a RemoteError ``ERR_NOT_ALLOWED``; or a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_ADMIN`` if
        its library cannot answer, ``ERR_NOT_CONNECTED``, ``ERR_DESCRIPTION_INVALID``, or as ``request``."""
        return self._ask(self._inner.describe, timeout)

    def shutdown_server(self, reason: str = "", *, timeout: float | None = None) -> None:
        """Asks the server to shut down. Returns once it has agreed to, not once it is gone. It agrees if its
        application has called ``Server.allow_shutdown``. ``reason`` is for the server's log: at most 1024 bytes of
        UTF-8.

        Raises as ``describe``, or a CallerError ``ERR_INVALID_ARGUMENT`` for a reason that is too long."""
        self._ask(lambda: self._inner.shutdown_server(reason), timeout)

    def flush(self) -> None:
        """Returns once everything written has left this process; waits for a connection if there is none.

        Raises a PeerError ``ERR_CONNECTION_LOST`` if the connection broke with something still to be sent, any other
        failure of the client, or a CallerError ``ERR_CLOSED``; or what a message was refused by, as ``write``."""
        self._thread.run(self._flush())

    def close(self) -> None:
        """Ends the client in order: what was written is sent first, pending reads raise ``ERR_CLOSED``.

        Unread messages are dropped, and so are those that wait for a connection; call ``flush`` first to wait for
        it. Returns once the client is closed: the peer has ``close_timeout`` to accept each tenth of what was
        written, and ten times that in all."""
        self._handlers.check_may_wait()
        self._root.end(self._close)
        self._handlers.end()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection, and everything queued with it. Pending reads raise ``error``."""
        self._handlers.check_may_wait()
        self._root.end(lambda: self._destroy(error))
        self._handlers.end()

    async def _flush(self) -> None:
        self._outbox.pump()
        self._outbox.raise_error()
        await self._inner.flush()

    async def _destroy(self, error: BaseException | None) -> None:
        self._inner.destroy(error)
        await self._inner.close()

    def _face_of(self, stream: AsyncStream) -> Stream:
        return Stream(stream, self._thread)
