"""A server's connection from its client's handshake to its end, on one transport after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from ..client.reconnect import is_resumable
from ..driver.driver_handler import Deaf
from ..endpoint import Endpoint, call_safely
from ..messages.message import MessageFrom
from ..reading.inbox import closed_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...errors import SealpipeError
    from ...protocol.native.session import NativeSession
    from ...protocol.profile import MessagesCame
    from ..driver.engine_driver import EngineDriver
    from ..driver.established import Established
    from ..link.link import Link
    from ..link.lost_session import LostSession
    from ..reading.inbox import Inbox

C = TypeVar("C", bound=Endpoint[Any])


class LifeHost(Protocol):
    """What a server does as its connections live."""

    @property
    def inbox(self) -> Inbox[MessageFrom[Any]]:
        """For messages that are not read from the connection itself."""
        ...

    @property
    def on_session_lost(self) -> Callable[[LostSession], None] | None: ...

    def told(self, error: SealpipeError, /) -> None:
        """The connection goes on after an error that no call reports."""

    def detached(self, life: ConnectionLife[Any], /) -> None:
        """The connection is lost, and its client may come back."""

    def closed(self, life: ConnectionLife[Any], error: SealpipeError | None, /) -> None:
        """The connection is over; without an error, in order."""

    def parted(self, life: ConnectionLife[Any], /) -> None:
        """The connection's transport is gone, and it waits for its client to come back."""

    def released(self, life: ConnectionLife[Any]) -> None: ...


class ConnectionLife(Generic[C]):
    """Handles the events of the driver of the connection that is established now."""

    def __init__(
        self, connection: C, face: Any, link: Link[Any, Any], established: Established, host: LifeHost
    ) -> None:
        """``face``: what messages have as their connection."""
        self.connection = connection
        self._face = face
        self._link = link
        self._host = host
        self.established = established
        """The present one, or the last."""
        self._quota = established.quota
        self._state: Literal["open", "away", "closing", "over"] = "open"
        """``away``: its client may come back; ``closing``: this end has closed it."""
        self._away_bytes = 0
        """Bytes that are kept for a client that is away, besides queued and unread messages."""
        self.ended_here = False
        """Whether it was closed or destroyed by a call at this end, also by a later one."""
        self._is_claimed = False
        self._is_released = False
        self.happened = link.received
        self.progressed = link.progressed

    @property
    def session(self) -> NativeSession | None:
        return self._link.native

    @property
    def is_over(self) -> bool:
        return self._state == "over"

    @property
    def may_be_resumed(self) -> bool:
        """Whether its client may resume it: not after a close at this end."""
        return self._state in ("open", "away")

    @property
    def has_unread(self) -> bool:
        """Whether messages of this connection wait to be read, here or at the server."""
        return not self._quota.is_empty

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept for the client."""
        if self.is_over:
            return self._quota.bytes
        waiting = 0 if self.session is None else self.session.waiting_item_bytes
        besides = self._away_bytes if self._state == "away" else 0
        return self._link.queued_bytes + waiting + self._quota.bytes + besides

    def open(self) -> None:
        """The client is connected."""
        self._link.attach(self._driver, self.established.event.session)
        self.connection._set_status("connected")

    def resume(self, established: Established) -> None:
        """The client is back: its previous connection, if it still seems to live, must neither send nor receive any
        more."""
        self._driver.handler = Deaf()
        self._driver.destroy()
        self._link.detach()
        self.established = established
        self._is_released = False
        self._state = "open"
        self.open()
        self._link.progressed()

    def give_up(self, error: SealpipeError) -> None:
        """The client does not come back."""
        if self._state == "away":
            self._fail(error)

    def drop(self, error: SealpipeError) -> None:
        """The client is dropped for what it does, or does not do."""
        self._driver.destroy()
        self._fail(error)

    def close(self) -> None:
        """Ends in order."""
        self.ended_here = True
        before = self._state
        if before != "over":
            self._state = "closing"
            self.connection._set_status("closing")
        self._drop_unread(None)
        if before == "away":
            self._fail(None)
        elif before != "over":
            self._driver.close()

    def destroy(self, error: BaseException | None) -> None:
        """Ends at once."""
        self.ended_here = True
        self._drop_unread(error)
        if self.is_over:
            return
        self._driver.destroy()
        self._end("closed" if error is None else "error", error or closed_error())
        self._host.closed(self, None)
        self._finish()

    def claim(self) -> None:
        """The application reads from the connection itself, and no longer from the server."""
        if not self._is_claimed:
            self._is_claimed = True
            self._host.inbox.move_to(self.connection._inbox, self._quota)

    # Called by the driver of the connection that is established now.

    def messages(self, event: MessagesCame) -> None:
        inbox = self.connection._inbox if self._is_claimed else self._host.inbox
        session = self.session
        lane = None if session is None else session.incoming.messages
        for type, data, position in event.messages:
            message = MessageFrom(type, data, self._face)
            message._lane = lane
            message._position = position
            inbox.deliver(message, self._quota)

    def closed(self, error: SealpipeError | None) -> None:
        session = self.session
        if not self.ended_here and is_resumable(error) and session is not None and session.is_resumable:
            self._leave(error, session)
            return
        self.connection._inbox.end(error, "keep")
        orderly: Literal["closed", "disconnected"] = "closed" if self.connection.status == "closing" else "disconnected"
        self._end(orderly if error is None else "error", error or closed_error())
        self._over(error)

    def released(self) -> None:
        self._is_released = True
        if self._state == "away":
            self._host.parted(self)
        self._finish()

    @property
    def _driver(self) -> EngineDriver:
        return self.established.driver

    def _leave(self, error: SealpipeError | None, session: NativeSession) -> None:
        """The client is gone, and may come back."""
        self._link.detach()
        self._state = "away"
        self._away_bytes = session.kept_bytes
        self.connection._set_status("reconnecting")
        if error is not None:
            self._host.told(error)
        # The callback may have ended the connection.
        if self.may_be_resumed:
            self._host.detached(self)

    def _fail(self, error: SealpipeError | None) -> None:
        self.connection._inbox.end(error, "keep")
        lost = self._end("closed" if error is None else "error", error or closed_error())
        if lost.is_anything:
            call_safely(self._host.on_session_lost, lost)
        self._over(error)

    def _drop_unread(self, error: BaseException | None) -> None:
        self.connection._inbox.end(error, "drop")
        self._host.inbox.drop(self._quota)

    def _end(self, status: Literal["closed", "disconnected", "error"], reason: BaseException) -> LostSession:
        self._state = "over"
        lost = self._link.end(reason)
        self.connection._set_status(status)
        return lost

    def _over(self, error: SealpipeError | None) -> None:
        self._host.closed(self, error)
        self._finish()

    def _finish(self) -> None:
        if self.is_over and self._is_released:
            self.connection._when_closed.set()
            self._host.released(self)
