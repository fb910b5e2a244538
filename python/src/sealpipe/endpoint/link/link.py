"""Everything that an endpoint sends to its peer and receives from it, over one connection after another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ...errors import SealpipeError
from ...protocol.native.session import NativeSession
from ...protocol.profile import (
    AdminRequestCame,
    AnswerCame,
    CancelCame,
    FailureCame,
    IncomingStreamEvent,
    RequestCame,
    RequestEvent,
)
from ..reading.inbox import closed_error
from ..requests.incoming_requests import IncomingRequests
from ..requests.outgoing_requests import OutgoingRequests
from ..requests.request import Request
from ..requests.request_errors import session_lost
from ..streams.stream import Stream
from ..streams.streams import Streams
from .lost_session import LostSession, lost_session
from .offline_queue import OfflineQueue
from .write_gate import WriteGate

if TYPE_CHECKING:
    from ...protocol.session import Failure, Leftovers, Session, SessionStreams, TraceContext
    from ..driver.engine_driver import EngineDriver
    from .link_options import LinkOptions

R = TypeVar("R", bound=Request)
S = TypeVar("S", bound=Stream)

_CONGESTED_BYTES = 1_048_576
"""While more bytes of answers wait, no further handler is started."""
_FLUSH_BYTES = 65_536
"""Once messages of this many bytes wait, they are sent without waiting for the end of the turn."""


@dataclass(frozen=True)
class Carried:
    """What happened to the leftovers of an earlier session."""

    was_resumable: bool
    """The session outlived its connection, and the peer no longer has it."""
    lost: LostSession
    message_errors: list[SealpipeError]
    """Why messages could not be sent to the present peer."""


class Link(Generic[R, S]):
    """Through the session that both ends have or, while there is none, through a queue for the next. Whatever happens
    to either, every wait ends: for room, for a flush, for the answer to a request."""

    def __init__(self, options: LinkOptions[R, S]) -> None:
        self._options = options
        limits = options.limits
        self.gate = WriteGate(limits.max_queued_bytes)
        self.asked = OutgoingRequests(self)
        self.handled: IncomingRequests[R] = IncomingRequests(
            self, options.handlers, options.make_request, limits.max_concurrent_requests, options.find_admin
        )
        self.own_streams: Streams[S] = Streams(
            self,
            options.stream_handlers,
            options.make_stream,
            limits.max_queued_bytes,
            limits.max_concurrent_streams,
        )
        self.driver: EngineDriver | None = None
        """The present connection, if there is one."""
        self.session: Session | None = None
        """The present session, to which messages that arrive belong."""
        self._unflushed_bytes = 0

    @property
    def native(self) -> NativeSession | None:
        """The present session if it is native, with or without a connection."""
        return self.session if isinstance(self.session, NativeSession) else None

    @property
    def can_send(self) -> bool:
        """Whether what is sent now can arrive at some time."""
        session = self.session
        return (session is not None and session.is_acknowledged) or self.is_connected

    @property
    def is_connected(self) -> bool:
        """Whether what is sent leaves now."""
        return self.session is not None and self.driver is not None and self.driver.can_send

    @property
    def queued_bytes(self) -> int:
        """Bytes that have not left this process or, natively, are not consumed by the peer."""
        session = self.session
        if session is None:
            return 0
        if session.is_acknowledged:
            return session.queued_bytes
        return 0 if self.driver is None else self.driver.queued_bytes

    @property
    def queued_message_bytes(self) -> int:
        """The same of messages alone, on the native wire."""
        session = self.session
        return session.queued_message_bytes if session is not None and session.is_acknowledged else self.queued_bytes

    @property
    def congested(self) -> bool:
        return self.session is not None and self.session.queued_answer_bytes > _CONGESTED_BYTES

    def write(self, type: int, data: bytes) -> None:
        """Raises a PeerError ``ERR_QUEUE_FULL``, and as ``Session.send``."""
        self.gate.check_room(self.queued_message_bytes)
        self._target.send(type, data)
        driver = self.driver
        if driver is None:
            self._options.keeps_more()
            return
        self._unflushed_bytes += len(data)
        if self._unflushed_bytes < _FLUSH_BYTES:
            driver.flush_soon()
        else:
            self._unflushed_bytes = 0
            driver.flush_now()

    @property
    def has_room(self) -> bool:
        """Whether ``room`` returns at once."""
        return self.gate.has_room(self.queued_message_bytes)

    async def room(self) -> None:
        """Returns at once while there is room, else when there will be."""
        await self.gate.room_at(self.queued_message_bytes)

    async def flush(self) -> None:
        """Returns once nothing is queued."""
        if self.session is not None:
            self.session.ask_for_acknowledgement()
        self._look()
        await self.gate.flush_at(self.queued_bytes)

    def check_request_room(self) -> None:
        """Requests are counted separately: messages that the peer does not read must not block requests. Raises a
        PeerError ``ERR_QUEUE_FULL``."""
        self.gate.check_room(0 if self.session is None else self.session.queued_request_bytes)

    def received(self, event: RequestEvent | IncomingStreamEvent) -> None:
        """A request, an answer, a failure, a cancel or something of a stream has arrived."""
        if isinstance(event, AnswerCame):
            self.asked.answered(event)
        elif isinstance(event, RequestCame | AdminRequestCame):
            self.handled.received(event)
        elif isinstance(event, FailureCame):
            self.asked.failed(event)
        elif isinstance(event, CancelCame):
            self.handled.cancelled(event)
        else:
            self.own_streams.received(event)
        if self.driver is not None:
            self.driver.woke()

    def progressed(self) -> None:
        """Some of what was queued has left."""
        if self.gate.is_awaited:
            self.gate.progressed(self.queued_message_bytes, self.queued_bytes)
        self.own_streams.progressed()
        self.handled.start_waiting()

    def attach(self, driver: EngineDriver, session: Session, ended: BaseException | None = None) -> Carried | None:
        """Goes on with this connection and its session. If the earlier session was another one, returns what happened
        to its leftovers; ``ended`` says why it ended, if that is known."""
        self.driver = driver
        self._options.quota.on_consumed(driver.woke)
        carried = self._replace(session, ended)
        self.own_streams.open_waiting()
        return carried

    def detach(self) -> None:
        """The connection is gone, and another may resume its session."""
        self.driver = None
        self._options.quota.on_consumed(_nobody)

    def lose(self, error: BaseException) -> Carried | None:
        """The connection and its session are gone: leftovers wait for another. Pending flushes raise ``error``."""
        self.detach()
        # Nothing will show whether what had left has arrived.
        if self.session is not None and not self.session.is_acknowledged:
            self.gate.lost(error)
        return None if isinstance(self.session, OfflineQueue) else self._replace(None, None)

    def end(self, error: BaseException) -> LostSession:
        """Nothing more will be sent or received."""
        leftovers = None if self.session is None else self.session.abandon()
        self.session = None
        self.detach()
        self.asked.end(error)
        self.handled.end()
        streams = self.own_streams.end(error)
        self.gate.end(error)
        return lost_session([] if leftovers is None else leftovers.unacknowledged, streams)

    async def when_done(self) -> None:
        """Returns once no handler runs any more."""
        await asyncio.gather(self.handled.when_done(), self.own_streams.when_done())

    # Called by the requests: how they reach the peer.

    def ask(self, type: int, data: bytes, context: TraceContext | None) -> int:
        id = self._target.request(type, data, context)
        self.said()
        return id

    def ask_admin(self, operation: int, data: bytes) -> int:
        id = self._target.admin(operation, data)
        self.said()
        return id

    def cancel(self, id: int) -> None:
        if self.session is not None:
            self.session.cancel(id)
        self._look()

    def answer(self, id: int, data: bytes) -> None:
        if self.session is not None:
            self.session.answer(id, data)
        self.said()

    def fail(self, id: int, failure: Failure) -> None:
        if self.session is not None:
            self.session.fail(id, failure)
        self.said()

    def consumed_request(self, position: int) -> None:
        if self.session is not None:
            self.session.consumed("requests", position)
        self._look()

    # Called by the streams.

    @property
    def streams(self) -> SessionStreams | None:
        session = self.session
        if session is None or isinstance(session, OfflineQueue) or not self.can_send:
            return None
        return session.streams

    def said(self) -> None:
        """The session may have something to send."""
        if self.driver is None:
            self._options.keeps_more()
        else:
            self.driver.flush_soon()

    def _look(self) -> None:
        if self.driver is not None:
            self.driver.flush_soon()

    @property
    def _target(self) -> Session:
        """Raises a CallerError ``ERR_CLOSED``."""
        session = self.session
        if self._options.queues_offline and not self.can_send:
            session = self.session = OfflineQueue(self._options.limits.max_message_bytes)
        if session is None:
            raise closed_error()
        return session

    def _replace(self, session: Session | None, ended: BaseException | None) -> Carried | None:
        before = self.session
        if before is session:
            return None
        self.session = session
        if before is None:
            return None
        was_resumable = before.is_resumable
        lost, errors = self._carry(before.abandon(), ended)
        return Carried(was_resumable, lost, errors)

    def _carry(self, leftovers: Leftovers, ended: BaseException | None) -> tuple[LostSession, list[SealpipeError]]:
        """Sends through the next session what the previous one had not sent, and ends what that one has lost."""
        errors: list[SealpipeError] = []
        for type, data in leftovers.unsent:
            try:
                self._target.send(type, data)
            except SealpipeError as error:
                # The present peer accepts less than the earlier one: this message's error is reported, and the others
                # go on.
                errors.append(error)
        resent: dict[int, int | BaseException] = {}
        for request in leftovers.unsent_requests:
            if self.asked.has(request.id):
                try:
                    resent[request.id] = self._target.request(request.type, request.data, request.context)
                except SealpipeError as error:
                    resent[request.id] = error
        # At once, before any callback is called: requests that it makes belong to the next session.
        self.asked.lost(session_lost(ended), resent)
        self.handled.lost()
        streams = self.own_streams.lost(session_lost(ended))
        if leftovers.unacknowledged:
            self.gate.lost(session_lost(ended))
        if self.session is not None:
            self.said()
        return lost_session(leftovers.unacknowledged, streams), errors


def _nobody() -> None:
    pass
