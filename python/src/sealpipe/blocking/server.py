"""A server with any number of clients, and its connections, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..endpoint.message import MessageData, MessageFrom
from .endpoint import BlockingEndpoint
from .root import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint.connection import Connection as AsyncConnection
    from ..endpoint.server import Server as AsyncServer
    from ..protocol.profile import ProfileName
    from .event_loop import EventLoopThread


class Connection(BlockingEndpoint[MessageFrom["Connection"]]):
    """A server's end of one client's connection.

    Its messages are the server's, until someone asks this connection for them: from then on they are its own.
    """

    _inner: AsyncConnection

    @property
    def id(self) -> int:
        """A number that no other connection of this server has."""
        return self._inner.id

    @property
    def profile(self) -> ProfileName:
        """The protocol that is spoken: ``"classic"`` is golang-ipc's."""
        return self._inner.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted."""
        return self._inner.encrypted

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return self._inner.queued_bytes

    def write(self, type: int, data: MessageData) -> None:
        """Takes a message for this client, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        What is written to a client that has left is dropped, as is what was on its way when it left: that it did not
        wait for its answer is no error of the server's. ``status`` tells. A client that does not read while
        ``max_queued_bytes`` are written to it, by threads that did not wait for each other, is dropped, and
        ``on_error`` has its ``ERR_QUEUE_FULL``.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE``, or ``ERR_CLOSED`` after a ``close`` or ``destroy`` of ours, and nothing else.
        """
        self._thread.run(self._inner.write(type, data))

    def flush(self) -> None:
        """Returns once everything written has left this process. That the peer has read it only an answer tells.

        Raises a PeerError, what made the connection fail, or a CallerError ``ERR_CLOSED``.
        """
        self._thread.run(self._inner.flush())

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection, and what was written with it. Reads that wait raise ``error``."""
        self._thread.call(lambda: self._inner.destroy(error))

    def _message_of(self, message: MessageFrom[AsyncConnection]) -> MessageFrom[Connection]:
        return MessageFrom(message.type, message.data, self)


class Server(BlockingEndpoint[MessageFrom[Connection]]):
    """Made by :func:`sealpipe.serve`."""

    _inner: AsyncServer

    def __init__(self, make: Callable[[], AsyncServer]) -> None:
        async def start() -> AsyncServer:
            return await make().listen()

        self._root = Root(start)
        super().__init__(self._root.inner, self._root.thread)

    @property
    def name(self) -> str:
        """The name it was started with."""
        return self._inner.name

    @property
    def address(self) -> str:
        """Where it listens: the socket's path or the pipe's name."""
        return self._inner.address

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The clients that are connected now."""
        return tuple(self._face_of(connection) for connection in self._inner.connections)

    def accept(self, timeout: float | None = None) -> Connection:
        """The next client: its connection, once its handshake is over. Waits for ever or ``timeout`` seconds.

        A client that has left before it was asked for, and left nothing to read, is passed over.

        Raises a PeerError ``ERR_READ_TIMEOUT``, or a CallerError ``ERR_CLOSED`` once the server is closed.
        """
        return self._face_of(self._thread.run(self._inner.accept(timeout)))

    def broadcast(self, type: int, data: MessageData) -> None:
        """Writes a message to every client that is connected, and waits until all have room again or are gone.

        A client that does not read, and so has ``max_queued_bytes`` waiting for it, is dropped as by its connection's
        ``write``: it must not hold up the others for ever, nor fill our memory.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; then no client was written to.
        """
        self._thread.run(self._inner.broadcast(type, data))

    def close(self) -> None:
        """Stops listening, ends every connection in order and removes the socket.

        Returns once all is closed, each peer being waited for as by ``Connection.close``.
        """
        self._root.close()

    def destroy(self, error: BaseException | None = None) -> None:
        """Stops listening and drops every connection at once. Reads that wait raise ``error``."""
        self._root.end(lambda: self._inner.destroy(error))

    def _message_of(self, message: MessageFrom[AsyncConnection]) -> MessageFrom[Connection]:
        return MessageFrom(message.type, message.data, self._face_of(message.connection))

    def _face_of(self, connection: AsyncConnection) -> Connection:
        return face_of(connection, self._thread)


def face_of(connection: AsyncConnection, thread: EventLoopThread) -> Connection:
    """The one blocking face that a connection has."""
    if not isinstance(connection.face, Connection):
        connection.face = Connection(connection, thread)
    return connection.face
