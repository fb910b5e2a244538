"""A client that stays connected, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..endpoint.client import Client as AsyncClient
from ..endpoint.message import Message, MessageData, to_bytes
from ..endpoint.options import check_timeout
from .endpoint import BlockingEndpoint
from .handler_threads import BlockingHandler, HandlerThreads
from .inbox import SharedInbox
from .outbox import Outbox
from .root import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint.options import ParsedClientOptions
    from ..endpoint.requests.request import Answer, Request
    from ..errors import SealpipeError
    from ..protocol.profile import ProfileName
    from ..protocol.session import TraceContext
    from ..transport.address import Address
    from .event_loop import EventLoopThread

H = TypeVar("H", bound="BlockingHandler[Request]")


class Client(BlockingEndpoint[Message]):
    """Created by :func:`sealpipe.connect` or :func:`sealpipe.create_client`."""

    _inner: AsyncClient

    def __init__(self, name: str, address: Address, options: ParsedClientOptions, *, wait: bool) -> None:
        async def start(thread: EventLoopThread) -> AsyncClient:
            client = AsyncClient(name, address, options, SharedInbox(thread))
            return await client.established() if wait else client

        self._root = Root(start)
        super().__init__(self._root.inner, self._root.thread)
        self._handlers = HandlerThreads()
        self._outbox = Outbox(self._inner, self._thread, options)
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
    def profile(self) -> ProfileName:
        """The present protocol, or the last one: ``"classic"`` is golang-ipc's."""
        return self._inner.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        return self._inner.encrypted

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return self._outbox.queued_bytes + self._inner.queued_bytes

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

    def request(
        self, type: int, data: MessageData, *, timeout: float | None = None, context: TraceContext | None = None
    ) -> Answer:
        """Sends a request to the server, and waits for its answer, for ever or ``timeout`` seconds. Then, or if the
        wait is interrupted, the request is cancelled; the handler may have done its work all the same.

        Raises a RemoteError, what its handler raised; a PeerError ``ERR_REQUEST_TIMEOUT``, or ``ERR_PEER_NOT_NATIVE``
        if the server speaks golang-ipc's wire, or as ``sealpipe.aio``'s ``request``; or a CallerError as ``write``, or
        ``ERR_INVALID_OPTION``."""
        check_timeout(timeout)
        return self._thread.run(self._request(type, to_bytes(data), timeout, context))

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles the server's requests of that type: ``@client.handle(1)``. The handler runs in a thread of the
        library's, of which there are at most 32, and may block. What it returns is the answer. ``close`` waits for
        handlers that run, so a handler must not call it.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler, or the handler is a coroutine function."""

        def add(handler: H) -> H:
            self._inner._handlers.add(type, self._handlers.running(handler))
            return handler

        return add

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

    async def _request(self, type: int, data: bytes, timeout: float | None, context: TraceContext | None) -> Answer:
        # What the caller wrote before is before it.
        self._outbox.pump()
        return await self._ask(self._inner.request(type, data, context=context), timeout)

    async def _flush(self) -> None:
        self._outbox.pump()
        self._outbox.raise_error()
        await self._inner.flush()

    async def _close(self) -> None:
        self._outbox.pump()
        await self._inner.close()

    async def _destroy(self, error: BaseException | None) -> None:
        self._inner.destroy(error)
        await self._inner.close()
