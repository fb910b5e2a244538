"""A server with any number of clients."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from ...errors import PeerError, SystemError
from ...protocol.message import check_message
from ...transport.providers import provider_of
from ...transport.transport import ListenOptions
from ..admin.admin_handlers import AdminHandlers
from ..admin.description import ServerDescription, encode_description
from ..call_options import Slow, check_slow, check_timeout
from ..endpoint import Endpoint
from ..handlers import Handlers, adding
from ..messages.message import MessageData, MessageFrom, to_bytes
from ..options.native_options import self_of
from ..reading.inbox import closed_error
from ..reading.waiter import wait_among
from ..shutdown import Shutdown
from .clients import Clients, ClientsStart
from .connection import Connection, ConnectionStream, Faces
from .liveness import is_server_alive
from .slow_clients import SlowClients

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...transport.address import Address
    from ...transport.transport import Listener, Transport
    from ..admin.admin_handlers import ShutdownHandler
    from ..options.parse_options import ParsedServerOptions
    from ..requests.request import RequestFrom, RequestHandler
    from ..streams.handled_streams import StreamHandler

H = TypeVar("H", bound="RequestHandler[RequestFrom[Connection]]")
SH = TypeVar("SH", bound="StreamHandler[ConnectionStream]")


class Server(Endpoint[MessageFrom[Connection]]):
    def __init__(self, name: str, address: Address, options: ParsedServerOptions, faces: Faces | None = None) -> None:
        faces = faces or Faces()
        super().__init__(options, faces.inbox())
        self.name = name
        """The name it was started with."""
        self.address = address.path
        """Where it listens: the socket's path or the pipe's name."""
        self._address = address
        self._options = options
        self._handlers: Handlers[RequestHandler[RequestFrom[Connection]]] = Handlers("requests")
        self._stream_handlers: Handlers[StreamHandler[ConnectionStream]] = Handlers("streams")
        self._admin = AdminHandlers[Connection](self._describe)
        self._waiting: deque[Transport] = deque()
        """Accepted before we were ready."""
        self._unaccepted: deque[Connection] = deque()
        self._accepting: deque[asyncio.Future[Connection]] = deque()
        self._slow_clients = SlowClients(options.broadcast_grace)
        self._listener: Listener | None = None
        self._listening_since = 0.0
        self._shutdown = Shutdown()
        self._closing: asyncio.Task[None] | None = None
        self._clients = Clients(
            ClientsStart(
                options=options,
                faces=faces,
                inbox=self._inbox,
                handlers=self._handlers,
                stream_handlers=self._stream_handlers,
                find_admin=self._admin.find,
                connected=self._connected,
                left=self._left,
                told=self._tell_error,
            )
        )

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients that are connected, or may come back."""
        return self._clients.connections

    async def accept(self, timeout: float | None = None) -> Connection:
        """The next client: its connection, once its handshake is over. Waits for ever or ``timeout`` seconds.

        A client that has left before it was asked for, and left nothing to read, is passed over.

        Raises a PeerError ``ERR_READ_TIMEOUT``, or a CallerError ``ERR_CLOSED`` once the server is closed.
        """
        check_timeout(timeout)
        if self._unaccepted:
            return self._unaccepted.popleft()
        if self._shutdown.has_begun:
            raise closed_error()
        return await wait_among(self._accepting, timeout, _no_client, self._unaccepted.appendleft)

    async def broadcast(self, type: int, data: MessageData, *, slow: Slow = "skip") -> None:
        """Writes a message to every client that is connected, and waits until all have room again or are gone.

        After a client has had no room for ``broadcast_grace``, broadcasts do not wait for it until it has read all that
        was written to it. Once ``max_queued_bytes`` wait for it, ``slow`` says what happens: with ``"skip"`` the
        message is not written to it, its ``skipped_messages`` counts that, and ``on_error`` gets ``ERR_QUEUE_FULL``,
        once until it has room again; with ``"drop"`` its connection is dropped, for messages of which none may be
        missed; with ``"wait"`` the broadcast waits for it as long as it takes, as all other clients do, and the client
        is dropped if broadcasts do not wait for each other.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_INVALID_OPTION``, ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; then no client was written to.
        """
        check_slow(slow)
        taken = to_bytes(data)
        check_message(type, len(taken), self._options.max_message_bytes)
        if self._shutdown.has_begun:
            raise closed_error()
        connections = self.connections
        for connection in connections:
            self._slow_clients.writing(connection)
            connection._take(type, taken, slow)
        waits = (
            connection._room() if slow == "wait" else self._slow_clients.wait(connection) for connection in connections
        )
        await asyncio.gather(*waits)

    def handle(self, type: int) -> Callable[[H], H]:
        """Handles all clients' requests of that type, except those of connections that have a handler of their own for
        it: ``@server.handle(1)``. The handler may be a coroutine; its task is cancelled when nobody waits for the
        answer any more.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, or ``ERR_INVALID_ARGUMENT`` if that type
        has a handler."""
        return adding(self._handlers, type)

    def handle_any(self, handler: H) -> H:
        """Handles all clients' requests of all types without a handler of their own, for taps, proxies and the like:
        ``@server.handle_any``. The request's ``type`` shows which type it is.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if there is one already."""
        self._handlers.add(None, handler)
        return handler

    def stream(self, type: int) -> Callable[[SH], SH]:
        """Handles the clients' streams of that type: ``@server.stream(2)`` on an async generator, whose items are
        written, or on a coroutine function. At most ``max_concurrent_streams`` of a client are open at a time.

        Raises a CallerError as ``handle``."""
        return adding(self._stream_handlers, type)

    def allow_describe(self, allowed: bool = True) -> None:
        """Lets clients ask what this server is, by ``Client.describe``. Without a call of this they get
        ``ERR_NOT_ALLOWED``."""
        self._admin.describes = allowed

    def allow_shutdown(self, handler: ShutdownHandler[Connection]) -> ShutdownHandler[Connection]:
        """Lets clients ask this server to shut down, by ``Client.shutdown_server``: ``@server.allow_shutdown``. Any
        process that can connect may ask.

        The handler is called once a client has its answer; what it does is the program's affair. While it runs, further
        requests to shut down begin nothing.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if there is one already."""
        self._admin.allow_shutdown(handler)
        return handler

    async def close(self) -> None:
        """Stops listening, ends every connection in order and removes the socket.

        Returns once all is closed, each peer being waited for as by ``Connection.close``.
        """
        self._start_close()
        await self._when_closed.wait()

    def destroy(self, error: BaseException | None = None) -> None:
        """Stops listening and drops every connection at once, each as its own ``destroy`` does.

        Reads that wait raise ``error``, and the status becomes ``error``; without one, ``ERR_CLOSED`` and ``closed``.
        """
        self._shutdown.destroyed(error)
        self._inbox.end(error, "drop")
        self._start_close()
        self._clients.destroy(error)

    async def listen(self) -> Server:
        """Returns the server once it listens. Called once, by ``serve``."""
        provider = provider_of(self._address)

        async def is_alive(address: Address) -> bool:
            return await is_server_alive(address, provider)

        listen_options = ListenOptions(
            open_to_all_users=self._options.unmask_permissions,
            is_alive=is_alive,
            accepted=self._accept,
            failed=self._tell_error,
            address_check_interval=self._options.address_check_interval,
        )
        try:
            self._listener = await provider.listen(self._address, listen_options)
        except BaseException:
            while self._waiting:
                self._waiting.popleft().destroy()
            raise
        self._set_status("listening")
        self._listening_since = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, deque()
        for transport in waiting:
            self._accept(transport)
        return self

    def _start_close(self) -> None:
        if not self._shutdown.begin():
            return
        self._closing = asyncio.get_running_loop().create_task(self._close())
        self._inbox.end(None, "drop")
        self._unaccepted.clear()
        for accepted in self._accepting:
            if not accepted.done():
                accepted.set_exception(closed_error())

    async def _close(self) -> None:
        self._set_status("closing")
        while self._waiting:
            self._waiting.popleft().destroy()
        # First of all: a golang-ipc client comes back at once, and gives up for ever if it is accepted and dropped.
        await self._stop_listening()
        await self._clients.close()
        self._set_status(self._shutdown.status)
        self._when_closed.set()

    async def _stop_listening(self) -> None:
        if self._listener is None:
            return
        try:
            await self._listener.close()
        # The socket could not be removed; nobody listens on it any more.
        except SystemError as error:
            self._tell_error(error)
        except OSError as error:
            failed = SystemError("ERR_LISTEN_FAILED", f"the listener failed: {error.strerror}", error)
            self._tell_error(failed)

    def _accept(self, transport: Transport) -> None:
        if self._status == "not-connected":
            self._waiting.append(transport)
        elif self._shutdown.has_begun:
            transport.destroy()
        else:
            self._clients.accept(transport)

    # Called by the clients.

    def _connected(self, connection: Connection) -> None:
        while self._accepting:
            accepted = self._accepting.popleft()
            if not accepted.done():
                accepted.set_result(connection)
                return
        self._unaccepted.append(connection)

    def _left(self, connection: Connection) -> None:
        if connection in self._unaccepted:
            self._unaccepted.remove(connection)

    def _describe(self) -> str:
        own = self_of(self._options)
        return encode_description(
            ServerDescription(
                pid=own.pid,
                library=own.library,
                application=own.application,
                application_version=own.application_version,
                codec=self._options.codec,
                contracts=self._options.contracts,
                requests=tuple(self._handlers.types),
                streams=tuple(self._stream_handlers.types),
                connections=len(self.connections),
                uptime=asyncio.get_running_loop().time() - self._listening_since,
            )
        )


def _no_client(timeout: float) -> PeerError:
    return PeerError("ERR_READ_TIMEOUT", f"no client came within {timeout:g} s")
