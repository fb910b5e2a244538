"""The connections of a server whose clients may resume them, with and without their clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from ...protocol.engine_errors import connection_lost
from ...protocol.native.options import SessionOver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...errors import SealpipeError
    from ...protocol.native.handshake import SessionAnswer
    from ...protocol.native.session import NativeSession
    from ..options.parse_options import ParsedServerOptions
    from .connection_life import ConnectionLife

    Life = ConnectionLife[Any]

_MAX_REMEMBERED = 64
"""Max number of ended sessions whose reason is remembered."""


class _Detached(NamedTuple):
    """A connection whose client is gone."""

    timer: asyncio.TimerHandle
    """Ends the wait."""
    standing: float
    """How long its session had lasted, times how much it had settled: another client would have to do as much to
    displace it. A session that was opened only to be dropped has none."""


class ResumableConnections:
    """If more clients are gone than the limits allow, the sessions with the least standing are given up: a peer that
    drops many connections must not displace others' sessions."""

    def __init__(self, options: ParsedServerOptions) -> None:
        self._options = options
        self._by_id: dict[bytes, Life] = {}
        self._known: dict[Life, tuple[bytes, float]] = {}
        """The session's id, and since when."""
        self._detached: dict[Life, _Detached] = {}
        """In the order in which they were lost."""
        self._fell_behind: dict[bytes, None] = {}
        """Ids of the last sessions that ended because their clients did not read, in that order."""

    @property
    def detached(self) -> Iterable[Life]:
        """Connections whose clients are gone."""
        return tuple(self._detached)

    def find(self, id: bytes) -> SessionAnswer:
        """The session with that id, if its client may resume it, or why not, if that is known."""
        connection = self._by_id.get(id)
        if connection is not None and connection.may_be_resumed:
            return connection.session
        return SessionOver("ERR_FELL_BEHIND") if id in self._fell_behind else None

    def resumed(self, session: NativeSession) -> Life | None:
        """The client of that session is back. Returns its connection."""
        connection = None if session.identity is None else self._by_id.get(session.identity.id)
        if connection is not None:
            self._forget_detached(connection)
        return connection

    def opened(self, connection: Life) -> None:
        session = connection.session
        if session is None or session.identity is None:
            return
        id = session.identity.id
        self._by_id[id] = connection
        self._known[connection] = (id, asyncio.get_running_loop().time())

    def lost(self, connection: Life) -> None:
        """The connection's client is gone, and may come back."""
        seconds = self._options.resume_window
        late = connection_lost(f"and the client did not come back within {seconds:g} s", None)
        timer = asyncio.get_running_loop().call_later(seconds, connection.give_up, late)
        self._detached[connection] = _Detached(timer, self._standing_of(connection))
        self.enforce()

    def enforce(self) -> None:
        """Gives up one connection after the other, until all limits hold."""
        while (excess := self._excess()) is not None:
            # First, because a callback may do something that leads here again.
            self._forget_detached(excess)
            excess.give_up(connection_lost("and its session, one of too many without a client, was given up", None))

    def closed(self, connection: Life, error: SealpipeError | None) -> None:
        """The connection is over. ``error``: why, if it did not end in order."""
        self._forget_detached(connection)
        known = self._known.pop(connection, None)
        if known is None:
            return
        id, _ = known
        self._by_id.pop(id, None)
        if error is not None and error.code == "ERR_QUEUE_FULL":
            self._fell_behind[id] = None
            if len(self._fell_behind) > _MAX_REMEMBERED:
                del self._fell_behind[next(iter(self._fell_behind))]

    def _standing_of(self, connection: Life) -> float:
        now = asyncio.get_running_loop().time()
        _, since = self._known.get(connection, (b"", now))
        session = connection.session
        return (now - since) * (0 if session is None else session.settled_bytes)

    def _excess(self) -> Life | None:
        """The connection to give up, if there are too many: that with the least standing or, if too many bytes are
        kept, the least per byte; of equals the one that was lost first."""
        detached = self._detached
        if len(detached) > self._options.max_detached_sessions:
            return min(detached, key=lambda connection: detached[connection].standing)
        kept = {connection: connection.kept_bytes for connection in detached}
        if sum(kept.values()) <= self._options.max_detached_bytes:
            return None
        return min(kept, key=lambda connection: (detached[connection].standing + 1) / max(1, kept[connection]))

    def _forget_detached(self, connection: Life) -> None:
        detached = self._detached.pop(connection, None)
        if detached is not None:
            detached.timer.cancel()
