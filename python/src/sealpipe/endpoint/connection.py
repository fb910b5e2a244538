"""A server's end of one client's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from ..errors import PeerError
from ..protocol.message import check_message
from .endpoint import Endpoint
from .engine_driver import DriverOptions, EngineDriver
from .inbox import Inbox, closed_error
from .message import MessageData, MessageFrom, to_bytes
from .options import ParsedOptions
from .read_quota import ReadQuota
from .write_gate import WriteGate

if TYPE_CHECKING:
    from ..errors import SealpipeError
    from ..protocol.engine import OpenEvent
    from ..protocol.message import MessageContent
    from ..protocol.profile import ProfileName
    from ..transport.transport import Transport
    from .handshake_turns import HandshakeTurns
    from .options import ParsedServerOptions


class ConnectionOwner(Protocol):
    """The server that a connection belongs to."""

    @property
    def options(self) -> ParsedServerOptions: ...

    @property
    def inbox(self) -> Inbox[MessageFrom[Connection]]:
        """Where messages go that are not asked of the connection itself."""

    @property
    def turns(self) -> HandshakeTurns: ...

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection, error: SealpipeError | None) -> None:
        """It is over; in order where there is no error."""

    def released(self, connection: Connection) -> None: ...


class Connection(Endpoint[MessageFrom["Connection"]]):
    """Its messages are the server's, until someone asks this connection for them: from then on they are its own."""

    def __init__(self, id: int, transport: Transport, owner: ConnectionOwner) -> None:
        # The server tells of its connections' errors, and of no status of theirs.
        super().__init__(ParsedOptions())
        self.id = id
        """A number that no other connection of this server has."""
        self.face: object = None
        """What the blocking face has made of this connection."""
        self._owner = owner
        self._gate = WriteGate(owner.options.max_queued_bytes)
        self._quota = ReadQuota(owner.options.max_queued_bytes)
        self._opened: OpenEvent | None = None
        self._claimed = False
        self._closed_here = False
        """By a call of our side, not by the client."""
        self._over = False
        self._released = False
        options = owner.options
        driver_options = DriverOptions(
            role="server",
            encryption=options.encryption,
            limits=options.limits,
            quota=self._quota,
            # Without encryption a handshake costs nothing worth a turn.
            turns=owner.turns if options.encryption else None,
        )
        self._driver = EngineDriver(transport, driver_options, _Events(self))
        self._set_status("connecting")

    @property
    def profile(self) -> ProfileName:
        """The protocol that is spoken: ``"classic"`` is golang-ipc's."""
        return "classic" if self._opened is None else self._opened.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted."""
        return self._owner.options.encryption if self._opened is None else self._opened.encrypted

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return 0 if self._over else self._driver.queued_bytes

    async def write(self, type: int, data: MessageData) -> None:
        """Takes a message for this client, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        What is written to a client that has left is dropped, as is what was on its way when it left: that it did not
        wait for its answer is no error of the server's. ``status`` tells. A client that does not read while
        ``max_queued_bytes`` are written to it, by writes that did not wait for each other, is dropped, and ``on_error``
        has its ``ERR_QUEUE_FULL``.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE``, or ``ERR_CLOSED`` after a ``close`` or ``destroy`` of ours, and nothing else.
        """
        if self._closed_here:
            raise closed_error()
        self._take(type, to_bytes(data))
        await self._room()

    async def flush(self) -> None:
        """Returns once everything written has left this process. That the peer has read it only an answer tells.

        Raises a PeerError, what made the connection fail, or a CallerError ``ERR_CLOSED``.
        """
        if self._over:
            raise closed_error()
        await self._gate.flush_at(self.queued_bytes)

    async def close(self) -> None:
        """Ends the connection in order: what was written is sent first, what was not read is dropped.

        Returns once it is closed: a peer gets ``close_timeout`` to take each
        tenth of what was written, and ten times that in all.
        """
        self._start_close()
        await self._when_closed.wait()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection at once, and what was written with it.

        What waits for a message or a ``flush`` raises ``error``, and the status becomes ``error``; without one,
        ``ERR_CLOSED`` and ``closed``. ``on_error`` is not called.
        """
        self._closed_here = True
        self._drop_unread(error)
        if self._over:
            return
        self._driver.destroy()
        self._end("closed" if error is None else "error", error or closed_error())
        self._finish()

    # For the server.

    @property
    def _has_unread(self) -> bool:
        """Whether something that came by it waits to be read, here or at the server."""
        return not self._quota.is_empty

    def _start(self) -> None:
        self._driver.start()

    def _evict(self, error: SealpipeError) -> None:
        """Drops it before its handshake is over, to make room for another."""
        self._driver.destroy()
        self._end("error", error)
        self._finish()

    def _start_close(self) -> None:
        self._closed_here = True
        if not self._over:
            self._set_status("closing")
        self._drop_unread(None)
        self._driver.close()

    def _take(self, type: int, data: bytes) -> None:
        """Takes a message, and drops it if the client gets nothing more. What the client does is not raised."""
        check_message(type, len(data), self._owner.options.max_message_bytes)
        if self._closed_here or self._over or not self._driver.can_send:
            return
        try:
            self._gate.check_room(self.queued_bytes)
        except PeerError as error:
            self._driver.destroy()
            self._driver_closed(error)
        else:
            self._driver.send(type, data)

    async def _room(self) -> None:
        """Returns at once while there is room, or if nothing more is taken, else when there is."""
        if not self._closed_here:
            await self._gate.room_at(self.queued_bytes)

    def _claim(self) -> None:
        if self._claimed:
            return
        self._claimed = True
        self._owner.inbox.move_to(self._inbox, self._quota)

    # From the driver.

    def _driver_opened(self, event: OpenEvent) -> None:
        self._opened = event
        self._set_status("connected")
        self._owner.opened(self)

    def _driver_message(self, content: MessageContent) -> None:
        message = MessageFrom(content.type, content.data, self)
        inbox = self._inbox if self._claimed else self._owner.inbox
        inbox.deliver(message, self._quota)

    def _driver_progressed(self) -> None:
        self._gate.progressed(self.queued_bytes)

    def _driver_closed(self, error: SealpipeError | None) -> None:
        self._inbox.end(error, "keep")
        orderly: Literal["closed", "disconnected"] = "closed" if self._status == "closing" else "disconnected"
        self._end(orderly if error is None else "error", error or closed_error())
        self._owner.closed(self, error)
        self._finish()

    def _driver_released(self) -> None:
        self._released = True
        self._finish()

    def _drop_unread(self, error: BaseException | None) -> None:
        self._inbox.end(error, "drop")
        self._owner.inbox.drop(self._quota)

    def _end(self, status: Literal["closed", "disconnected", "error"], reason: BaseException) -> None:
        self._over = True
        self._gate.end(reason)
        self._set_status(status)

    def _finish(self) -> None:
        if self._over and self._released:
            self._when_closed.set()
            self._owner.released(self)


class _Events:
    """The driver's events by the connection's own names, which users do not see."""

    def __init__(self, connection: Connection) -> None:
        self.opened = connection._driver_opened
        self.message = connection._driver_message
        self.progressed = connection._driver_progressed
        self.closed = connection._driver_closed
        self.released = connection._driver_released
