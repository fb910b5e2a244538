"""A server with any number of clients."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from ..errors import PeerError, SystemError
from ..protocol.message import check_message
from ..transport.providers import provider_of
from ..transport.transport import ListenOptions
from .connection import Connection
from .endpoint import Endpoint
from .handshake_turns import HandshakeTurns
from .inbox import closed_error
from .liveness import is_server_alive
from .message import MessageData, MessageFrom, to_bytes
from .options import check_timeout

if TYPE_CHECKING:
    from ..errors import SealpipeError
    from ..transport.address import Address
    from ..transport.transport import Listener, Transport
    from .inbox import Inbox
    from .options import ParsedServerOptions


class Server(Endpoint[MessageFrom[Connection]]):
    def __init__(self, name: str, address: Address, options: ParsedServerOptions) -> None:
        super().__init__(options)
        self.name = name
        """The name it was started with."""
        self.address = address.path
        """Where it listens: the socket's path or the pipe's name."""
        self._address = address
        self._options = options
        self._owner = _Owner(self)
        self._open: dict[int, Connection] = {}
        self._held: set[Connection] = set()
        """All that hold a transport: in the handshake, open, or on their way out."""
        self._handshaking: dict[Connection, None] = {}
        """In the order in which they came."""
        self._unread: set[Connection] = set()
        """Gone, but what came by them is still to be read: they count, or what waits would have no bound."""
        self._waiting: deque[Transport] = deque()
        """Accepted before we were ready."""
        self._unaccepted: deque[Connection] = deque()
        self._accepting: deque[asyncio.Future[Connection]] = deque()
        self._listener: Listener | None = None
        self._last_id = 0
        self._closing: asyncio.Task[None] | None = None
        self._destroyed = False
        """The first ``destroy`` is the one that counts."""
        self._destroy_error: BaseException | None = None

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients that are connected now."""
        return tuple(self._open.values())

    async def accept(self, timeout: float | None = None) -> Connection:
        """The next client: its connection, once its handshake is over. Waits for ever or ``timeout`` seconds.

        A client that has left before it was asked for, and left nothing to read, is passed over.

        Raises a PeerError ``ERR_READ_TIMEOUT``, or a CallerError ``ERR_CLOSED`` once the server is closed.
        """
        check_timeout(timeout)
        if self._unaccepted:
            return self._unaccepted.popleft()
        if self._closing is not None:
            raise closed_error()
        loop = asyncio.get_running_loop()
        accepted: asyncio.Future[Connection] = loop.create_future()
        self._accepting.append(accepted)
        timer = None if timeout is None else loop.call_later(timeout, _time_out, accepted, timeout)
        try:
            return await accepted
        except asyncio.CancelledError:
            if accepted.done() and not accepted.cancelled() and accepted.exception() is None:
                self._unaccepted.appendleft(accepted.result())
            raise
        finally:
            if timer is not None:
                timer.cancel()

    async def broadcast(self, type: int, data: MessageData) -> None:
        """Writes a message to every client that is connected, and waits until all have room again or are gone.

        A client that does not read, and so has ``max_queued_bytes`` waiting for it, is dropped as by its connection's
        ``write``: it must not hold up the others for ever, nor fill our memory.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; then no client was written to.
        """
        taken = to_bytes(data)
        check_message(type, len(taken), self._options.max_message_bytes)
        if self._closing is not None:
            raise closed_error()
        connections = self.connections
        for connection in connections:
            connection._take(type, taken)
        for connection in connections:
            await connection._room()

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
        if not self._destroyed:
            self._destroyed = True
            self._destroy_error = error
        self._inbox.end(error, "drop")
        self._start_close()
        for connection in list(self._held):
            connection.destroy(error)

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
        waiting, self._waiting = self._waiting, deque()
        for transport in waiting:
            self._accept(transport)
        return self

    def _start_close(self) -> None:
        if self._closing is not None:
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
        # First of all: a golang-ipc client comes back at once, and gives up for ever where it is accepted and dropped.
        await self._stop_listening()
        for connection in list(self._held):
            connection._start_close()
        while self._held:
            await next(iter(self._held))._when_closed.wait()
        self._set_status("closed" if self._destroy_error is None else "error")
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
        most = self._options.max_connections
        if self._status == "not-connected":
            self._waiting.append(transport)
        elif self._closing is not None:
            transport.destroy()
        elif not self._handshaking and self._taken >= most:
            transport.destroy()
            reason = f"a client was dropped: the server has max_connections ({most}) already"
            self._tell_error(PeerError("ERR_TOO_MANY_CONNECTIONS", reason))
        else:
            self._begin(transport)
            self._make_room()

    @property
    def _taken(self) -> int:
        """How many of ``max_connections`` are taken."""
        self._unread = {connection for connection in self._unread if connection._has_unread}
        return len(self._held) + len(self._unread)

    def _begin(self, transport: Transport) -> None:
        self._last_id += 1
        connection = Connection(self._last_id, transport, self._owner)
        self._held.add(connection)
        self._handshaking[connection] = None
        connection._start()

    def _make_room(self) -> None:
        """The oldest handshake gives way to the newest.

        To refuse the newest instead would let a few that say nothing keep out everyone: to keep others from finishing
        theirs now takes as many new connections as there may be handshakes, in the few milliseconds that one takes.
        """
        handshakes, most = self._options.max_pending_handshakes, self._options.max_connections
        if (len(self._handshaking) <= handshakes and self._taken <= most) or not self._handshaking:
            return
        oldest = next(iter(self._handshaking))
        del self._handshaking[oldest]
        # Its place is free at once, not only when the system has closed its socket.
        self._held.discard(oldest)
        error = PeerError(
            "ERR_TOO_MANY_HANDSHAKES",
            "a client that had not finished its handshake gave way to a new one: there are max_pending_handshakes "
            f"({handshakes}) in the handshake, or max_connections ({most}) in all",
        )
        oldest._evict(error)
        self._tell_error(error)

    def _opened(self, connection: Connection) -> None:
        self._open[connection.id] = connection
        self._handshaking.pop(connection, None)
        while self._accepting:
            accepted = self._accepting.popleft()
            if not accepted.done():
                accepted.set_result(connection)
                return
        self._unaccepted.append(connection)

    def _closed(self, connection: Connection, error: SealpipeError | None) -> None:
        self._open.pop(connection.id, None)
        if error is not None:
            self._tell_error(error)

    def _released(self, connection: Connection) -> None:
        self._open.pop(connection.id, None)
        self._held.discard(connection)
        if connection._has_unread:
            self._unread.add(connection)
        elif connection in self._unaccepted:
            self._unaccepted.remove(connection)
        self._handshaking.pop(connection, None)


class _Owner:
    """What each connection knows of its server."""

    def __init__(self, server: Server) -> None:
        self.options = server._options
        self.inbox: Inbox[MessageFrom[Connection]] = server._inbox
        self.turns = HandshakeTurns()
        self.opened = server._opened
        self.closed = server._closed
        self.released = server._released


def _time_out(accepted: asyncio.Future[Connection], timeout: float) -> None:
    if not accepted.done():
        accepted.set_exception(PeerError("ERR_READ_TIMEOUT", f"no client came within {timeout:g} s"))
