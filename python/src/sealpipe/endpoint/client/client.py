"""A client that stays connected: when the server goes, the client waits for it to come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from ...errors import CallerError, PeerError, SealpipeError
from ...protocol.native.wire.admin import DESCRIBE, MAX_ADMIN_BYTES, SHUTDOWN
from ...protocol.profile import AdminRequestCame, RequestCame
from ...transport.providers import provider_of
from ..admin.description import ServerDescription, decode_description
from ..call_options import check_timeout
from ..endpoint import Endpoint, call_safely
from ..handlers import Handlers, adding
from ..link.link import Link
from ..link.link_options import LinkOptions
from ..link.lost_session import session_ended
from ..messages.message import Message, MessageData, to_bytes
from ..options.trace_context import checked_context
from ..reading.inbox import Inbox, closed_error
from ..reading.read_quota import ReadQuota
from ..requests.request import Answer, Request, RequestHandler
from ..streams.stream import Stream
from .connector import Connector, ConnectorTarget, connect_timeout
from .reconnect import is_resumable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.engine_options import OpenEvent
    from ...protocol.native.options import NativePeer
    from ...protocol.profile import MessagesCame, ProfileName
    from ...protocol.session import TraceContext
    from ...transport.address import Address
    from ..driver.engine_driver import EngineDriver
    from ..link.link import Carried
    from ..options.options import Retry
    from ..options.parse_options import ParsedClientOptions
    from ..streams.streams import StreamHandler

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
        self._quota = ReadQuota(options.max_queued_bytes)
        self._handlers: Handlers[RequestHandler[Request]] = Handlers("requests")
        self._stream_handlers: Handlers[StreamHandler[Stream]] = Handlers("streams")
        self._link: Link[Request, Stream] = Link(
            LinkOptions(
                limits=options,
                quota=self._quota,
                queues_offline=True,
                keeps_more=lambda: None,
                handlers=self._handlers,
                make_request=_request_of,
                stream_handlers=self._stream_handlers,
                make_stream=Stream,
            )
        )
        self._driver: EngineDriver | None = None
        self._opened: OpenEvent | None = None
        self._closing: asyncio.Task[None] | None = None
        self._destroyed = False
        """Only the first ``destroy`` counts."""
        self._destroy_error: BaseException | None = None
        self._failure: SealpipeError | None = None
        """What ended the client, if that was not a call of ``close``."""
        self._over = False
        """It has ended, and not by a call of ``close``."""
        self._lost_by: SealpipeError | None = None
        self._connector = Connector(
            ConnectorTarget(
                address=address,
                provider=provider_of(address),
                options=options,
                quota=self._quota,
                session=lambda: self._link.native,
                retrying=self._tell_error,
                pausing=self._tell_retry,
                taker=_Taker(self),
            )
        )
        self._set_status("connecting")
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    @property
    def profile(self) -> ProfileName:
        """The present protocol, or the last one: ``"classic"`` is golang-ipc's, ``"native"`` is sealpipe's own."""
        return "classic" if self._opened is None else self._opened.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        return self._options.encryption if self._opened is None else self._opened.encrypted

    @property
    def peer(self) -> NativePeer | None:
        """What a native server declares about its process; without a connection, what the last one declared."""
        native = None if self._opened is None else self._opened.native
        return None if native is None else native.peer

    @property
    def last_error(self) -> SealpipeError | None:
        """Why the client is not connected: the failure of its last try, or what its connection was lost by."""
        if self.status == "connected":
            return None
        return self._failure or self._connector.last_error or self._lost_by

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
        self._take(type, data if data.__class__ is bytes else to_bytes(data))
        if not self._link.has_room:
            await self._link.room()

    async def flush(self) -> None:
        """Returns once everything written has left this process or, with a native server, has been read by its
        application; waits for a connection if there is none. Only an answer of its own shows that a classic server has
        read it.

        Raises a PeerError ``ERR_CONNECTION_LOST`` if a classic connection broke with something still to be sent,
        ``ERR_SESSION_LOST`` if a native server no longer has the session, any other failure of the client, or a
        CallerError ``ERR_CLOSED``."""
        self._check_open()
        await self._link.flush()

    async def request(self, type: int, data: MessageData, *, context: TraceContext | None = None) -> Answer:
        """Sends a request to the server, and waits for its answer. If the wait is cancelled, as by ``asyncio.timeout``,
        so is the request. While the client reconnects, requests wait for the connection, unless ``offline_queue`` is
        off.

        Raises a RemoteError, what its handler raised; a PeerError ``ERR_PEER_NOT_NATIVE`` if the server is
        golang-ipc's, ``ERR_SESSION_LOST``, or as ``write``; or a CallerError as ``write``."""
        taken = to_bytes(data)
        self._check_sends()
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
        self._check_sends()
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
        self._start_close()
        await self._when_closed.wait()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection at once, and everything queued with it.

        Pending reads and flushes raise ``error``, and the status becomes ``error``; without an error these are
        ``ERR_CLOSED`` and ``closed``. ``on_error`` is not called."""
        if not self._destroyed:
            self._destroyed = True
            self._destroy_error = error
        self._inbox.end(error, "drop")
        if self._driver is not None:
            self._driver.destroy()
        self._start_close()
        self._connector.destroy()

    async def connected(self, timeout: float | None = None) -> Client:
        """Returns the client once it is connected: at once if it is, and again after a loss.

        Raises a SystemError ``ERR_CONNECT_TIMEOUT`` after ``timeout`` seconds, and the client goes on trying; the error
        with which the client failed; or a CallerError ``ERR_CLOSED`` or ``ERR_INVALID_OPTION``."""
        check_timeout(timeout)
        if not self._ended and self.status != "connected":
            # Connected is also a client whose connection is lost again by the time that this goes on.
            done, _ = await asyncio.wait([self._connecting], timeout=timeout)
            if not done and timeout is not None:
                raise connect_timeout(self._connector.address, timeout, self.last_error)
            for task in done:
                if not task.cancelled():
                    task.result()
        if self._ended:
            raise self._failure or self._destroy_error or closed_error()
        return self

    async def established(self) -> Client:
        """The same, for the function that has just made the client. If this is cancelled, the client is closed."""
        try:
            return await self.connected()
        except asyncio.CancelledError:
            self._start_close()
            raise

    @property
    def _ended(self) -> bool:
        return self._closing is not None or self._over

    def _check_open(self) -> None:
        if self._ended:
            raise closed_error(self._failure)

    def _check_sends(self) -> None:
        self._check_open()
        if not self._options.offline_queue and not self._link.is_connected:
            raise PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offline_queue is off")

    def _take(self, type: int, data: bytes) -> None:
        self._check_sends()
        self._link.write(type, data)

    async def _room(self) -> None:
        """Returns at once while there is room, or if nothing more can be queued, else when there is room."""
        await self._link.room()

    def _hold(self) -> None:
        if self._driver is not None:
            self._driver.hold()

    def _send_now(self) -> None:
        if self._driver is not None:
            self._driver.flush_scheduled()

    async def _ask(self, operation: int, text: str) -> Answer:
        self._check_open()
        data = to_bytes(text)
        if len(data) > MAX_ADMIN_BYTES:
            raise CallerError("ERR_INVALID_ARGUMENT", f"a reason has at most {MAX_ADMIN_BYTES} bytes")
        return await self._link.asked.admin(operation, data)

    async def _connect(self) -> None:
        try:
            await self._connector.establish()
        except SealpipeError as error:
            await self._fail(error)

    async def _reconnect(self, lost: SealpipeError | None) -> None:
        try:
            await self._connector.reestablish(lost)
        except SealpipeError as error:
            await self._fail(error)

    def _start_close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._inbox.end(None, "drop")

    async def _close(self) -> None:
        if self._over:
            return
        self._set_status("closing")
        self._connecting.cancel()
        self._connector.close()
        if self._driver is not None:
            self._driver.close()
        # The task first: a handshake that is under way in it begins to close.
        await asyncio.wait([self._connecting])
        await self._connector.when_released()
        self._link.end(self._destroy_error or closed_error())
        await self._link.when_done()
        self._set_status("closed" if self._destroy_error is None else "error")
        self._when_closed.set()

    async def _fail(self, failure: SealpipeError) -> None:
        if self._closing is None:
            self._end(failure)

    def _end(self, failure: SealpipeError | None) -> None:
        """Without a failure the server has left in order."""
        self._over = True
        self._failure = failure
        self._inbox.end(failure, "keep")
        lost = self._link.end(failure or _lost_unsent())
        if failure is None:
            self._set_status("disconnected")
        else:
            self._set_status("timeout" if failure.code == "ERR_CONNECT_TIMEOUT" else "error")
        if lost.is_anything:
            call_safely(self._options.on_session_lost, lost)
        if failure is not None:
            self._tell_error(failure)
        # Not awaited here: callers that wait for the connection have their result.
        self._releasing = asyncio.get_running_loop().create_task(self._release())

    async def _release(self) -> None:
        await self._connector.when_released()
        await self._link.when_done()
        self._when_closed.set()

    def _tell_retry(self, retry: Retry) -> None:
        call_safely(self._options.on_retrying, retry)

    # Called by the present connection.

    def _taken(self, driver: EngineDriver, event: OpenEvent) -> None:
        native = event.native
        ended = session_ended(None if native is None else native.session_ended)
        self._driver = driver
        self._opened = event
        carried = self._link.attach(driver, event.session, ended)
        self._set_status("connected")
        if ended is not None:
            self._tell_error(ended)
        if carried is not None:
            self._tell_of(carried, lost_something=carried.was_resumable)
        self._link.progressed()

    def _messages(self, event: MessagesCame) -> None:
        session = self._link.native
        lane = None if session is None else session.incoming.messages
        for type, data, position in event.messages:
            message = Message(type, data)
            message._lane = lane
            message._position = position
            self._inbox.deliver(message, self._quota)

    def _lost(self, error: PeerError | None) -> None:
        self._driver = None
        if self._closing is not None:
            self._link.detach()
            if error is not None:
                self._tell_error(error)
            return
        self._lost_by = error
        if not self._options.retry:
            self._end(error)
            return
        carried = None
        session = self._link.session
        if session is not None and session.is_resumable and is_resumable(error):
            self._link.detach()
        else:
            carried = self._link.lose(error or _lost_unsent())
        self._set_status("reconnecting")
        if error is not None:
            self._tell_error(error)
        if carried is not None:
            self._tell_of(carried, lost_something=carried.lost.is_anything)
        # The queue may be gone, so there is room.
        self._link.progressed()
        self._connecting = asyncio.get_running_loop().create_task(self._reconnect(error))

    def _tell_of(self, carried: Carried, *, lost_something: bool) -> None:
        if lost_something:
            call_safely(self._options.on_session_lost, carried.lost)
        for error in carried.message_errors:
            self._tell_error(error)


def _request_of(came: RequestCame | AdminRequestCame) -> Request:
    # A server sends no requests to the library itself.
    return Request(came.type, came.data, came.context) if isinstance(came, RequestCame) else Request(0, came.data)


def _lost_unsent() -> PeerError:
    return PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left")


class _Taker:
    """Passes an engine's events to the client's private methods."""

    def __init__(self, client: Client) -> None:
        self.taken = client._taken
        self.messages = client._messages
        self.happened = client._link.received
        self.progressed = client._link.progressed
        self.closed = client._lost
