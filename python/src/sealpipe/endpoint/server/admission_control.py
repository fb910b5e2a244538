"""For which clients a server has room, and which gives way to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..options.parse_options import ParsedServerOptions
    from .acceptor import Handshaking
    from .connection_life import ConnectionLife


class AdmissionControl:
    def __init__(self, options: ParsedServerOptions) -> None:
        self._max_connections = options.max_connections
        self._max_pending_handshakes = options.max_pending_handshakes
        self._held: dict[ConnectionLife[Any], None] = {}
        """Connections that have a transport: open, or closing."""
        self._unestablished: set[Handshaking] = set()
        """Handshakes that have a transport: under way, or failed and closing."""
        self._handshaking: dict[Handshaking, None] = {}
        """Handshakes under way, in the order in which they began or last had a turn."""
        self._unread: set[ConnectionLife[Any]] = set()
        """Connections that are gone, but have unread messages: they count, because otherwise unread messages would have
        no bound."""

    @property
    def held(self) -> Iterable[ConnectionLife[Any]]:
        """The connections that have a transport."""
        return self._held

    def refusal(self) -> PeerError | None:
        """Why one more client must be dropped, if there is no room and no handshake that could give way."""
        if self._handshaking or self._taken < self._max_connections:
            return None
        reason = f"a client was dropped: the server has max_connections ({self._max_connections}) already"
        return PeerError("ERR_TOO_MANY_CONNECTIONS", reason)

    def accepted(self, handshake: Handshaking) -> None:
        """A client has connected, and its handshake begins."""
        self._unestablished.add(handshake)
        self._handshaking[handshake] = None

    def make_room(self) -> PeerError | None:
        """The oldest handshake gives way to the newest.

        To refuse the newest instead would let a few silent clients keep everyone out. To keep others from finishing
        their handshakes now takes as many new connections as there may be handshakes, within the few milliseconds of
        one handshake.

        Returns why a handshake gave way, if one had to."""
        handshakes, connections = self._max_pending_handshakes, self._max_connections
        if (len(self._handshaking) <= handshakes and self._taken <= connections) or not self._handshaking:
            return None
        oldest = next(iter(self._handshaking))
        # Its place is free now, not only when the system has closed its socket.
        self.gone(oldest)
        oldest.driver.destroy()
        return PeerError(
            "ERR_TOO_MANY_HANDSHAKES",
            "a client that had not finished its handshake gave way to a new one: there are max_pending_handshakes "
            f"({handshakes}) in the handshake, or max_connections ({connections}) in all",
        )

    def took_turn(self, handshake: Handshaking) -> None:
        """A handshake has a turn for a costly step, which must not be wasted: it now gives way as late as one that has
        just begun."""
        if handshake in self._handshaking:
            del self._handshaking[handshake]
            self._handshaking[handshake] = None

    def failed(self, handshake: Handshaking) -> None:
        """Its transport is still there."""
        self._handshaking.pop(handshake, None)

    def gone(self, handshake: Handshaking) -> None:
        """The transport of a failed handshake is gone."""
        self._unestablished.discard(handshake)
        self._handshaking.pop(handshake, None)

    def established(self, handshake: Handshaking, connection: ConnectionLife[Any]) -> None:
        """A handshake has succeeded, and this connection, new or resumed, has its transport."""
        self.gone(handshake)
        self._held[connection] = None

    def parted(self, connection: ConnectionLife[Any]) -> None:
        """The connection has no transport any more."""
        self._held.pop(connection, None)

    def released(self, connection: ConnectionLife[Any]) -> None:
        """The connection is over and has no transport any more."""
        self.parted(connection)
        if connection.has_unread:
            self._unread.add(connection)

    @property
    def _taken(self) -> int:
        """How many of ``max_connections`` are in use."""
        self._unread = {connection for connection in self._unread if connection.has_unread}
        return len(self._unestablished) + len(self._held) + len(self._unread)
