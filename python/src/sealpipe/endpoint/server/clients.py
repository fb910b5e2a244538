"""The clients of a server: in their handshakes, connected, and lost for now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .acceptor import Acceptor
from .admission_control import AdmissionControl
from .connection import Connection, ConnectionStream, Faces
from .refusals import Refusals
from .resumable_connections import ResumableConnections

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...errors import PeerError, SealpipeError
    from ...protocol.native.handshake import SessionAnswer
    from ...transport.transport import Transport
    from ..driver.driver_handler import ConnectionHandler
    from ..driver.established import Established
    from ..handlers import Handlers
    from ..messages.message import MessageFrom
    from ..options.parse_options import ParsedServerOptions
    from ..reading.inbox import Inbox
    from ..requests.request import RequestFrom, RequestHandler
    from ..streams.handled_streams import StreamHandler
    from .acceptor import Handshaking
    from .connection_life import ConnectionLife


@dataclass(frozen=True)
class ClientsStart:
    """What a server offers to its clients, and how it hears what happens to them."""

    options: ParsedServerOptions
    faces: Faces
    inbox: Inbox[MessageFrom[Any]]
    handlers: Handlers[RequestHandler[RequestFrom[Connection]]]
    stream_handlers: Handlers[StreamHandler[ConnectionStream]]
    find_admin: Callable[[int], RequestHandler[RequestFrom[Connection]] | None]
    connected: Callable[[Connection], None]
    """There is a new one."""
    left: Callable[[Connection], None]
    """One is over, and has left nothing to read."""
    told: Callable[[SealpipeError], None]
    """A client was refused, or its connection failed."""


class Clients:
    def __init__(self, start: ClientsStart) -> None:
        # What each connection needs of the server.
        self.options = start.options
        self.faces = start.faces
        self.inbox = start.inbox
        self.handlers = start.handlers
        self.stream_handlers = start.stream_handlers
        self.find_admin = start.find_admin
        self.on_session_lost = start.options.on_session_lost
        self.told = start.told
        self._connected = start.connected
        self._left = start.left
        self._resumable = ResumableConnections(start.options)
        self._admission = AdmissionControl(start.options)
        self._acceptor = Acceptor(start.options, self)
        self._refusals = Refusals()
        self._connections: dict[Connection, None] = {}
        self._last_id = 0
        self.detached = self._resumable.lost
        self.keeps_more = self._resumable.enforce
        self.parted = self._admission.parted

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those that are connected, or may come back."""
        return tuple(self._connections)

    def accept(self, transport: Transport) -> None:
        """A client has connected: it is let in, in place of another, or refused."""
        refusal = self._admission.refusal()
        if refusal is not None:
            transport.destroy()
            self.told(refusal)
            return
        handshake = self._acceptor.accept(transport)
        self._admission.accepted(handshake)
        handshake.driver.start()
        evicted = self._admission.make_room()
        if evicted is not None:
            self.told(evicted)

    async def close(self) -> None:
        """Ends all in order."""
        await asyncio.gather(self._acceptor.close(), *[connection.close() for connection in self._all])

    def destroy(self, error: BaseException | None) -> None:
        """Drops all at once."""
        self._acceptor.destroy()
        for connection in self._all:
            connection.destroy(error)

    # Called by the acceptor.

    def find_session(self, id: bytes) -> SessionAnswer:
        return self._resumable.find(id)

    def take_over(self, handshake: Handshaking, established: Established) -> ConnectionHandler:
        native = established.event.native
        life = self._resumable.resumed(native.session) if native is not None and native.resumed else None
        if life is None:
            return self._open(handshake, established)
        self._admission.established(handshake, life)
        life.resume(established)
        return life

    def handshake_failed(self, handshake: Handshaking, error: PeerError | None) -> None:
        self._admission.failed(handshake)
        told = None if error is None else self._refusals.worth_telling(error)
        if told is not None:
            self.told(told)

    def handshake_took_turn(self, handshake: Handshaking) -> None:
        self._admission.took_turn(handshake)

    def handshake_released(self, handshake: Handshaking) -> None:
        self._admission.gone(handshake)

    # Called by the connections.

    def closed(self, life: ConnectionLife[Connection], error: SealpipeError | None) -> None:
        self._connections.pop(life.connection, None)
        self._resumable.closed(life, error)
        if error is not None:
            self.told(error)

    def released(self, life: ConnectionLife[Connection]) -> None:
        self._admission.released(life)
        if not life.has_unread:
            self._left(life.connection)

    @property
    def _all(self) -> list[Connection]:
        """Connections that have a transport, and those that wait for their clients to come back."""
        lives = {**dict.fromkeys(self._admission.held), **dict.fromkeys(self._resumable.detached)}
        return [life.connection for life in lives]

    def _open(self, handshake: Handshaking, established: Established) -> ConnectionLife[Connection]:
        self._last_id += 1
        connection = Connection(self._last_id, established, self)
        self._connections[connection] = None
        self._admission.established(handshake, connection._life)
        self._resumable.opened(connection._life)
        self._connected(connection)
        return connection._life
