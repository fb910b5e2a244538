"""Callbacks for the events of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...errors import PeerError
    from ...protocol.engine_options import OpenEvent
    from ...protocol.native.handshake import SessionAnswer
    from ...protocol.profile import IncomingStreamEvent, MessagesCame, RequestEvent


class ConnectionEvents(Protocol):
    """Of an engine that has opened."""

    def messages(self, event: MessagesCame) -> None: ...

    def happened(self, event: RequestEvent | IncomingStreamEvent) -> None:
        """Something of a request or a stream has arrived."""

    def progressed(self) -> None:
        """Some of what was written has left this process, or the peer has acknowledged it."""

    def closed(self, error: PeerError | None) -> None:
        """The engine has ended; without an error, in order. Only ``released`` follows."""


class ConnectionHandler(ConnectionEvents, Protocol):
    """The same, and the end of its transport."""

    def released(self) -> None:
        """The transport is gone, and all its resources are freed."""


class DriverHandler(ConnectionHandler, Protocol):
    """The same, and those of the handshake."""

    def opened(self, event: OpenEvent) -> None: ...

    def resume(self, session_id: bytes) -> SessionAnswer:
        """The session that a client wants to resume, or why it has ended."""

    def took_turn(self) -> None:
        """The handshake has a turn for a costly step."""


class Deaf:
    """A handler that ignores everything."""

    def opened(self, event: OpenEvent) -> None: ...

    def resume(self, session_id: bytes) -> SessionAnswer:
        return None

    def took_turn(self) -> None: ...

    def messages(self, event: MessagesCame) -> None: ...

    def happened(self, event: RequestEvent | IncomingStreamEvent) -> None: ...

    def progressed(self) -> None: ...

    def closed(self, error: PeerError | None) -> None: ...

    def released(self) -> None: ...
