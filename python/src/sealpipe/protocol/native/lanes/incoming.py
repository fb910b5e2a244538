"""The receiving half of a session: the lanes, and the frames in them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from ...profile import (
    AdminRequestCame,
    AnswerCame,
    CancelCame,
    FailureCame,
    IncomingEvent,
    IncomingStreamEvent,
    MessagesCame,
    RequestCame,
)
from ..wire.admin import MAX_ADMIN_BYTES
from ..wire.failure import decode_failure, decode_failure_with_data
from ..wire.frame import (
    ANSWER,
    FRAME_HEADER_BYTES,
    FRAME_KINDS,
    MESSAGE,
    REQUEST,
    check_frame_type,
    fixed_bytes,
    invalid_frame,
    read_uint32,
)
from ..wire.offers import has_feature
from .context_ahead import ContextAhead
from .incoming_bodies import BodyStart, IncomingBodies, IncomingBody, UnfinishedBody, check_body_size
from .receive_lane import NOTABLE_BYTES, ReceiveLane
from .send_lane import FRAME_OVERHEAD_BYTES, MAX_BODIES_UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...session import ConsumedLane
    from ..requests.request_ids import OwnRequestIds, PeerRequestIds
    from ..wire.lanes import Positions, Windows

_NO_ID = 0
_unpack_message = struct.Struct(">II").unpack_from
"""A header, and the type."""
_MESSAGE_FIXED_BYTES = FRAME_HEADER_BYTES + 4


@dataclass(frozen=True)
class IncomingLimits:
    max_message_bytes: int
    windows: Windows
    """How much the peer may send in each lane without an acknowledgement."""
    features: int = 0
    """The features of both ends, as bits."""
    takes_admin: bool = False
    """Server: whether both ends have the feature admin. Otherwise requests to the library are invalid."""


class StreamFramesReader(Protocol):
    """What reads the frames of streams, each of which is as long as its kind needs."""

    @property
    def bodies(self) -> IncomingBodies: ...

    def receive(self, kind: int, body: bytes) -> IncomingStreamEvent | None: ...


class Incoming:
    def __init__(
        self,
        limits: IncomingLimits,
        own_ids: OwnRequestIds,
        peer_ids: PeerRequestIds,
        streams: StreamFramesReader | None = None,
    ) -> None:
        """``streams``: if both ends have them."""
        self._max_message_bytes = limits.max_message_bytes
        self._takes_failure_data = has_feature(limits.features, "failure-data")
        self._takes_admin = limits.takes_admin
        self._request_context = ContextAhead(is_agreed=has_feature(limits.features, "context"))
        self._own_ids = own_ids
        self._peer_ids = peer_ids
        self._streams = streams
        self.messages, self.requests, self._answers = map(ReceiveLane, limits.windows)
        # Consumed on arrival, so it never holds up anything.
        self._stream_lane = ReceiveLane(limits.windows[2])
        lanes = (self.messages, self.requests, self._answers)
        self._lanes = lanes if streams is None else (*lanes, self._stream_lane)
        self._message_bodies = self._bodies(1)
        self._request_bodies = self._bodies(MAX_BODIES_UNDER_WAY)
        self._answer_bodies = self._bodies(MAX_BODIES_UNDER_WAY)
        self._all_bodies = [
            (self.messages, self._message_bodies),
            (self.requests, self._request_bodies),
            (self._answers, self._answer_bodies),
        ]
        if streams is not None:
            self._all_bodies.append((self._stream_lane, streams.bodies))
        self._others: dict[int, Callable[[bytes], IncomingEvent | None]] = {
            FRAME_KINDS["message-start"]: self._message_start,
            FRAME_KINDS["message-part"]: self._message_part,
            REQUEST: self._whole_request,
            FRAME_KINDS["request-start"]: self._request_start,
            FRAME_KINDS["request-part"]: self._request_part,
            FRAME_KINDS["request-context"]: self._request_context.arrived,
            FRAME_KINDS["admin-request"]: self._admin_request,
            ANSWER: self._whole_answer,
            FRAME_KINDS["answer-start"]: self._answer_start,
            FRAME_KINDS["answer-part"]: self._answer_part,
            FRAME_KINDS["failure"]: self._failure,
            FRAME_KINDS["failure-with-data"]: self._failure_with_data,
            FRAME_KINDS["cancel"]: self._cancel,
        }

    @property
    def received(self) -> Positions:
        """How far each lane's frames have arrived."""
        return tuple(lane.received for lane in self._lanes)

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of bodies under way, and of requests that wait for a handler. The inbox counts
        messages."""
        return sum(bodies.kept_bytes for _, bodies in self._all_bodies) + self.requests.unconsumed_bytes

    @property
    def consumed_bytes(self) -> int:
        """The weight of everything consumed."""
        return sum(lane.consumed for lane in self._lanes)

    @property
    def has_bodies(self) -> bool:
        """Whether large bodies are under way."""
        for _, bodies in self._all_bodies:  # noqa: SIM110 - at each read
            if bodies.under_way:
                return True
        return False

    def unfinished_bodies(self) -> Iterator[tuple[UnfinishedBody, bool]]:
        """The large bodies under way, and whether their lane's window holds the peer up."""
        for lane, bodies in self._all_bodies:
            for body in bodies.unfinished:
                yield body, lane.is_full

    @property
    def all_consumed(self) -> bool:
        return self.messages.all_consumed and self.requests.all_consumed

    @property
    def has_news(self) -> bool:
        """Whether something is consumed and not acknowledged."""
        for lane in self._lanes:  # noqa: SIM110 - at each write, and any() with a generator takes thrice as long
            if lane.consumed > lane.acknowledged:
                return True
        return False

    @property
    def has_notable_news(self) -> bool:
        """Whether so much is consumed and not acknowledged that a record which is sent anyway says so."""
        for lane in self._lanes:  # noqa: SIM110
            if lane.consumed - lane.acknowledged >= NOTABLE_BYTES:
                return True
        return False

    @property
    def has_urgent_news(self) -> bool:
        for lane in self._lanes:  # noqa: SIM110
            if lane.consumed - lane.acknowledged >= lane.urgent_bytes:
                return True
        return False

    def lane(self, name: ConsumedLane) -> ReceiveLane:
        """The lane with that name."""
        return self.messages if name == "messages" else self.requests

    def acknowledge(self) -> Positions:
        """The positions to acknowledge to the peer, which count as acknowledged from now on."""
        return tuple(lane.acknowledge() for lane in self._lanes)

    def forget_acknowledged(self) -> None:
        """The connection was lost, and perhaps the last acknowledgement with it."""
        for lane in self._lanes:
            lane.forget_acknowledged()

    def receive_messages(self, record: bytes, offset: int) -> tuple[MessagesCame | None, int]:
        """Receives the whole messages that follow one another from ``offset`` on, and returns where they end.

        It stops before anything else, and before what may be invalid: ``receive`` finds out about that."""
        lane = self.messages
        if self._message_bodies.under_way:
            return None, offset
        messages: list[tuple[int, bytes, int]] = []
        append = messages.append
        received, max_received = lane.received, lane.max_received
        max_frame_bytes = self._max_message_bytes + _MESSAGE_FIXED_BYTES
        last_offset = len(record) - _MESSAGE_FIXED_BYTES
        while offset <= last_offset:
            head, type = _unpack_message(record, offset)
            count = (head & 0xFF_FFFF) + FRAME_HEADER_BYTES
            end = offset + count
            position = received + count + FRAME_OVERHEAD_BYTES
            if head >> 24 != MESSAGE or type == 0 or position > max_received:
                break
            if not _MESSAGE_FIXED_BYTES <= count <= max_frame_bytes or end > len(record):
                break
            append((type, record[offset + _MESSAGE_FIXED_BYTES : end], position))
            received = position
            offset = end
        if not messages:
            return None, offset
        lane.receive_and_hold(received, len(messages))
        return MessagesCame(messages), offset

    def receive(self, kind: int, frame: bytes) -> IncomingEvent | None:
        """Receives a whole frame of one of the lanes; returns an event if the frame completes one.

        Raises a PeerError ``ERR_FRAME_INVALID``, ``ERR_PEER_MESSAGE_TOO_LARGE`` or ``ERR_WINDOW_EXCEEDED``."""
        body = frame[FRAME_HEADER_BYTES:]
        if len(body) < fixed_bytes(kind):
            raise invalid_frame(f"a frame of kind {kind} that is too short")
        if kind == MESSAGE:
            self._refuse_message(len(frame), body)
        family = kind >> 4
        lane = self._stream_lane if family == 4 else self._lanes[family - 1]
        lane.receive(len(frame))
        if family != 4:
            return self._others[kind](body)
        if self._streams is None:
            raise invalid_frame("a frame of streams, which were not agreed on")
        return self._streams.receive(kind, body)

    def _bodies(self, max_under_way: int) -> IncomingBodies:
        return IncomingBodies(max_message_bytes=self._max_message_bytes, max_under_way=max_under_way)

    def _refuse_message(self, frame_bytes: int, body: bytes) -> NoReturn:
        """Says what is wrong with a message that ``receive_messages`` has left."""
        if self._message_bodies.under_way:
            raise invalid_frame("a message within another")
        self.messages.receive(frame_bytes)
        check_body_size(len(body) - 4, self._max_message_bytes)
        raise invalid_frame("a message of type 0")

    def _message_start(self, body: bytes) -> None:
        type = check_frame_type(read_uint32(body, 0))
        self._message_bodies.start(BodyStart(_NO_ID, type, read_uint32(body, 4)), body[8:])

    def _message_part(self, body: bytes) -> MessagesCame | None:
        whole = self._message_bodies.part(_NO_ID, body)
        return None if whole is None else MessagesCame([(whole.type, whole.data, self.messages.hold())])

    def _whole_request(self, body: bytes) -> RequestCame | None:
        check_body_size(len(body) - 8, self._max_message_bytes)
        id = read_uint32(body, 0)
        context = self._request_context.take(id)
        return self._request(IncomingBody(id, check_frame_type(read_uint32(body, 4)), body[8:], context))

    def _request_start(self, body: bytes) -> None:
        id = read_uint32(body, 0)
        type = check_frame_type(read_uint32(body, 4))
        start = BodyStart(id, type, read_uint32(body, 8), self._request_context.take(id))
        self._request_bodies.start(start, body[12:])

    def _request_part(self, body: bytes) -> RequestCame | None:
        self._request_context.check_none()
        whole = self._request_bodies.part(read_uint32(body, 0), body[4:])
        return None if whole is None else self._request(whole)

    def _request(self, request: IncomingBody) -> RequestCame | None:
        """A request that was cancelled before it arrived is not delivered, and so counts as consumed."""
        if not self._peer_ids.arrived(request.id):
            return None
        return RequestCame(*request, self.requests.hold())

    def _admin_request(self, body: bytes) -> AdminRequestCame | None:
        if not self._takes_admin:
            raise invalid_frame("a request to the library, which was not agreed on")
        self._request_context.check_none()
        if len(body) - 5 > MAX_ADMIN_BYTES:
            raise invalid_frame("a request to the library that is too long")
        id = read_uint32(body, 0)
        if not self._peer_ids.arrived(id):
            return None
        return AdminRequestCame(id, body[4], body[5:], self.requests.hold())

    def _whole_answer(self, body: bytes) -> AnswerCame | None:
        check_body_size(len(body) - 4, self._max_message_bytes)
        return self._answer(read_uint32(body, 0), body[4:])

    def _answer_start(self, body: bytes) -> None:
        self._answer_bodies.start(BodyStart(read_uint32(body, 0), 0, read_uint32(body, 4)), body[8:])

    def _answer_part(self, body: bytes) -> AnswerCame | None:
        whole = self._answer_bodies.part(read_uint32(body, 0), body[4:])
        return None if whole is None else self._answer(whole.id, whole.data)

    def _answer(self, id: int, data: bytes) -> AnswerCame | None:
        return AnswerCame(id, data) if self._own_ids.settle(id) else None

    def _failure(self, body: bytes) -> FailureCame | None:
        code, message = decode_failure(body)
        id = read_uint32(body, 0)
        return FailureCame(id, code, message, None) if self._own_ids.settle(id) else None

    def _failure_with_data(self, body: bytes) -> FailureCame | None:
        if not self._takes_failure_data:
            raise invalid_frame("data of a failure, which was not agreed on")
        code, message, data = decode_failure_with_data(body)
        id = read_uint32(body, 0)
        return FailureCame(id, code, message, data) if self._own_ids.settle(id) else None

    def _cancel(self, body: bytes) -> CancelCame | None:
        id = read_uint32(body, 0)
        return CancelCame(id) if self._peer_ids.cancelled(id) else None
