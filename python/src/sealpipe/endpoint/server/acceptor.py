"""A server's side of its clients' handshakes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from ..driver.driver_handler import ConnectionHandler, Deaf
from ..driver.engine_driver import DriverOptions, EngineDriver
from ..driver.established import Established
from ..driver.handshake_turns import HandshakeTurns
from ..options.native_options import native_options
from ..reading.read_quota import ReadQuota

if TYPE_CHECKING:
    from ...errors import PeerError
    from ...protocol.engine_options import OpenEvent
    from ...protocol.native.handshake import SessionAnswer
    from ...transport.transport import Transport
    from ..options.parse_options import ParsedServerOptions


class AcceptorTarget(Protocol):
    def find_session(self, id: bytes) -> SessionAnswer:
        """The session that a client wants to resume, or why it has ended. The client's proof is checked after this."""

    def take_over(self, handshake: Handshaking, established: Established) -> ConnectionHandler:
        """The handshake is over. Called before the first message."""
        ...

    def handshake_failed(self, handshake: Handshaking, error: PeerError | None) -> None:
        """Without an error, the client has left in order."""

    def handshake_took_turn(self, handshake: Handshaking) -> None:
        """It has a turn for a costly step."""

    def handshake_released(self, handshake: Handshaking) -> None:
        """The transport of a handshake that failed is gone."""


class Acceptor:
    """Takes clients through their handshakes. The result of each is a connection, or an error without one."""

    def __init__(self, options: ParsedServerOptions, target: AcceptorTarget) -> None:
        self.options = options
        self.target = target
        # Without encryption no step of the handshake is costly enough for a turn of its own.
        self.turns = HandshakeTurns() if options.encryption else None
        self._under_way: dict[Handshaking, None] = {}

    def accept(self, transport: Transport) -> Handshaking:
        """A handshake, which is to be started."""
        handshake = Handshaking(self, transport)
        self._under_way[handshake] = None
        return handshake

    async def close(self) -> None:
        """Ends every handshake in order. Returns once all are over."""
        under_way = list(self._under_way)
        for handshake in under_way:
            handshake.driver.close()
        for handshake in under_way:
            await handshake.when_over.wait()

    def destroy(self) -> None:
        """Drops every handshake at once."""
        for handshake in list(self._under_way):
            handshake.driver.destroy()

    def over(self, handshake: Handshaking) -> None:
        """The handshake has succeeded, or its transport is gone."""
        self._under_way.pop(handshake, None)
        handshake.when_over.set()


class Handshaking(Deaf):
    """One client's handshake."""

    def __init__(self, acceptor: Acceptor, transport: Transport) -> None:
        options = acceptor.options
        self._acceptor = acceptor
        self._target = acceptor.target
        self._quota = ReadQuota(options.max_queued_bytes)
        self.when_over = asyncio.Event()
        self.driver = EngineDriver(
            transport,
            DriverOptions(
                role="server",
                encryption=options.encryption,
                limits=options.limits,
                quota=self._quota,
                profile=options.profile,
                secret=options.secret,
                native=native_options(options, resumable=options.resume_window > 0),
                turns=acceptor.turns,
            ),
            self,
        )

    def resume(self, session_id: bytes) -> SessionAnswer:
        return self._target.find_session(session_id)

    def took_turn(self) -> None:
        self._target.handshake_took_turn(self)

    def opened(self, event: OpenEvent) -> None:
        self._acceptor.over(self)
        self.driver.handler = self._target.take_over(self, Established(event, self.driver, self._quota))

    def closed(self, error: PeerError | None) -> None:
        self._target.handshake_failed(self, error)

    def released(self) -> None:
        self._acceptor.over(self)
        self._target.handshake_released(self)
