"""A client that stays connected: when the server goes, the client waits for it to come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from ...errors import CallerError, SealpipeError
from ...protocol.native.wire.admin import DESCRIBE, MAX_ADMIN_BYTES, SHUTDOWN
from ...protocol.profile import AdminRequestCame, RequestCame
from ..admin.description import ServerDescription, decode_description
from ..endpoint import Endpoint
from ..handlers import Handlers, adding
from ..link.link import Link
from ..link.link_options import LinkOptions
from ..messages.message import Message, MessageData, to_bytes
from ..options.trace_context import checked_context
from ..reading.inbox import Inbox
from ..reading.read_quota import ReadQuota
from ..requests.request import Answer, Request, RequestHandler
from ..streams.stream import Stream
from .client_life import ClientLife

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.native.options import NativePeer
    from ...protocol.profile import ProfileName
    from ...protocol.session import TraceContext
    from ...transport.address import Address
    from ..options.parse_options import ParsedClientOptions
    from ..streams.handled_streams import StreamHandler

H = TypeVar("H", bound="RequestHandler[Request]")
SH = TypeVar("SH", bound="StreamHandler[Stream]")


class Client(Endpoint[Message]):
    def __init__(
        self, name: str, address: Address, options: ParsedClientOptions, inbox: Inbox[Message] | None = None
    ) -> None:
        super().__init__(options, inbox or Inbox())
        self.name = name
        """The name it was started with."""
        self.address = address.path
        """The address: the socket's path or the pipe's name."""
        self._options = options
        quota = ReadQuota(options.max_queued_bytes)
        self._handlers: Handlers[RequestHandler[Request]] = Handlers("requests")
        self._stream_handlers: Handlers[StreamHandler[Stream]] = Handlers("streams")
        self._link: Link[Request, Stream] = Link(
            LinkOptions(
                limits=options,
                quota=quota,
                queues_offline=True,
                keeps_more=lambda: None,
                handlers=self._handlers,
                make_request=_request_of,
                stream_handlers=self._stream_handlers,
                make_stream=Stream,
            )
        )
        self._life = ClientLife(self, self._link, quota, address, options)

    @property
    def profile(self) -> ProfileName:
        """The present protocol, or the last one: ``"classic"`` is golang-ipc's, ``"native"`` is sealpipe's own."""
        established = self._life.established
        return "classic" if established is None else established.event.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        established = self._life.established
        return self._options.encryption if established is None else established.event.encrypted

    @property
    def peer(self) -> NativePeer | None:
        """What a native server declares about its process; without a connection, what the last one declared."""
        native = None if self._life.established is None else self._life.established.event.native
        return None if native is None else native.peer

    @property
    def last_error(self) -> SealpipeError | None:
        """Why the client is not connected: the failure of its last try, or what its connection was lost by."""
        return self._life.last_error

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process or, with a native server, have not been read by it.
        With a native server, and without a connection, a message counts as some 70 bytes more than its data."""
        return self._link.queued_bytes

    async def write(self, type: int, data: MessageData) -> None:
        """Queues a message for the server, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        While the client reconnects, messages wait for the connection, in order, unless ``offline_queue`` is off. On
        the classic wire the server acknowledges nothing: a message that was on its way when the connection broke may
        or may not have arrived.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; or a PeerError ``ERR_TOO_LARGE_FOR_PEER``, ``ERR_NOT_CONNECTED``
        without a connection if ``offline_queue`` is off, or ``ERR_QUEUE_FULL`` if several writes do not wait for
        each other."""
        self._take(type, data if isinstance(data, bytes) else to_bytes(data))
        if not self._link.has_room:
            await self._link.room()

    async def flush(self) -> None:
        """Returns once everything written has left this process or, with a native server, has been read by its
        application; waits for a connection if there is none. Only an answer of its own shows that a classic server has
        read it.

        Raises a PeerError ``ERR_CONNECTION_LOST`` if a classic connection broke with something still to be sent,
        ``ERR_SESSION_LOST`` if a native server no longer has the session, any other failure of the client, or a
        CallerError ``ERR_CLOSED``."""
        self._life.check_open()
        await self._link.flush()

    async def request(self, type: int, data: MessageData, *, context: TraceContext | None = None) -> Answer:
        """Sends a request to the server, and waits for its answer. If the wait is cancelled, as by ``asyncio.timeout``,
        so is the request. While the client reconnects, requests wait for the connection, unless ``offline_queue`` is
        off.

        Raises a RemoteError, what its handler raised; a PeerError ``ERR_PEER_NOT_NATIVE`` if the server is
        golang-ipc's, ``ERR_SESSION_LOST``, or as ``write``; or a CallerError as ``write``."""
        taken = to_bytes(data)
        self._life.check_sends()
        self._link.check_request_room()
        return await self._link.asked.request(type, taken, checked_context(context))

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles the server's requests of that type: ``@client.handle(1)``. Add handlers right after
        ``create_client``, so that they are there before the server's first request.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler."""
        return adding(self._handlers, type)

    async def open_stream(self, type: int, data: MessageData = b"", *, context: TraceContext | None = None) -> Stream:
        """Opens a stream to the server; waits while the server has ``max_concurrent_streams`` of this client's open,
        and for the connection.

        Raises a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_STREAMS`` if the server does not know of streams,
        ``ERR_TOO_LARGE_FOR_PEER``, or ``ERR_NOT_CONNECTED`` if ``offline_queue`` is off; or a CallerError as ``write``.
        A server that handles no streams of that type resets the stream with ``ERR_NO_HANDLER``."""
        self._life.check_sends()
        return await self._link.own_streams.open(type, data, checked_context(context))

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the server's streams of that type: ``@client.stream(2)``. Raises a CallerError as ``handle``."""
        return adding(self._stream_handlers, type)

    async def describe(self) -> ServerDescription:
        """Asks the server what it is. It answers if its application has called ``Server.allow_describe``.

        Raises a RemoteError ``ERR_NOT_ALLOWED``; or a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_ADMIN`` if
        its library cannot answer, ``ERR_NOT_CONNECTED``, ``ERR_DESCRIPTION_INVALID``, or as ``request``."""
        return decode_description((await self._ask(DESCRIBE, "")).text)

    async def shutdown_server(self, reason: str = "") -> None:
        """Asks the server to shut down. Returns once it has agreed to, not once it is gone. It agrees if its
        application has called ``Server.allow_shutdown``. ``reason`` is for the server's log: at most 1024 bytes of
        UTF-8.

        Raises as ``describe``, or a CallerError ``ERR_INVALID_ARGUMENT`` for a reason that is too long."""
        await self._ask(SHUTDOWN, reason)

    async def close(self) -> None:
        """Ends the client in order: what was written is sent first, pending reads raise ``ERR_CLOSED``.

        Unread messages are dropped, and so are those that wait for a connection; call ``flush`` first to wait for
        it. Returns once the client is closed: the peer has ``close_timeout`` to accept each tenth of what was
        written, and ten times that in all."""
        self._life.close()
        await self._when_closed.wait()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection at once, and everything queued with it.

        Pending reads and flushes raise ``error``, and the status becomes ``error``; without an error these are
        ``ERR_CLOSED`` and ``closed``. ``on_error`` is not called."""
        self._life.destroy(error)

    async def connected(self, timeout: float | None = None) -> Client:
        """Returns the client once it is connected: at once if it is, and again after a loss.

        Raises a SystemError ``ERR_CONNECT_TIMEOUT`` after ``timeout`` seconds, and the client goes on trying; the error
        with which the client failed; or a CallerError ``ERR_CLOSED`` or ``ERR_INVALID_OPTION``."""
        await self._life.connected(timeout)
        return self

    async def established(self) -> Client:
        """The same, for the function that has just made the client. If this is cancelled, the client is closed."""
        try:
            return await self.connected()
        except asyncio.CancelledError:
            self._life.close()
            raise

    def _check_open(self) -> None:
        self._life.check_open()

    def _take(self, type: int, data: bytes) -> None:
        self._life.check_sends()
        self._link.write(type, data)

    async def _room(self) -> None:
        """Returns at once while there is room, or if nothing more can be queued, else when there is room."""
        await self._link.room()

    def _hold(self) -> None:
        if self._link.driver is not None:
            self._link.driver.hold()

    def _send_now(self) -> None:
        if self._link.driver is not None:
            self._link.driver.flush_scheduled()

    async def _ask(self, operation: int, text: str) -> Answer:
        self._life.check_open()
        data = to_bytes(text)
        if len(data) > MAX_ADMIN_BYTES:
            raise CallerError("ERR_INVALID_ARGUMENT", f"a reason has at most {MAX_ADMIN_BYTES} bytes")
        return await self._link.asked.admin(operation, data)


def _request_of(came: RequestCame | AdminRequestCame) -> Request:
    # A server sends no requests to the library itself.
    return Request(came.type, came.data, came.context) if isinstance(came, RequestCame) else Request(0, came.data)
