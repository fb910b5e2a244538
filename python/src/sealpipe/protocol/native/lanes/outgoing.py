"""The sending half of a session: the lanes, and the frames that are written to them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..wire.failure import encode_failure
from ..wire.frame import ANSWER, FRAME_KINDS, MESSAGE, REQUEST, encode_fields, encode_frame, invalid_frame
from ..wire.trace_context import encode_context
from .push_body import MAX_SHARED_BODY_BYTES, Body, BodyKinds
from .send_lane import SendLane

if TYPE_CHECKING:
    from ...session import Failure, RequestContent
    from ..wire.lanes import Positions

_MESSAGE_KINDS = BodyKinds(MESSAGE, FRAME_KINDS["message-start"], FRAME_KINDS["message-part"], part_fields=0)
_REQUEST_KINDS = BodyKinds(REQUEST, FRAME_KINDS["request-start"], FRAME_KINDS["request-part"], part_fields=1)
_ANSWER_KINDS = BodyKinds(ANSWER, FRAME_KINDS["answer-start"], FRAME_KINDS["answer-part"], part_fields=1)

# A header, and the fields of the most frequent kinds.
_pack_message = struct.Struct(">II").pack
_pack_request = struct.Struct(">III").pack
_MESSAGE_HEADER = MESSAGE << 24
_REQUEST_HEADER = REQUEST << 24
_ANSWER_HEADER = ANSWER << 24


class Outgoing:
    """Callers have checked types and sizes."""

    def __init__(self, *, has_streams: bool = False) -> None:
        self.messages = SendLane(ordered=True)
        self.requests = SendLane(ordered=False)
        self.answers = SendLane(ordered=False)
        self.streams = SendLane(ordered=True)
        self.lanes: tuple[SendLane, ...] = (self.messages, self.requests, self.answers)
        """In the order in which they are in a record; that of streams only if both ends have them."""
        if has_streams:
            self.lanes = (*self.lanes, self.streams)

    @property
    def queued_bytes(self) -> int:
        """The weight of everything that waits, or is sent and not acknowledged."""
        return (
            self.messages.queued_bytes
            + self.requests.queued_bytes
            + self.answers.queued_bytes
            + self.streams.queued_bytes
        )

    @property
    def unsent_bytes(self) -> int:
        """The weight of everything that waits to be sent."""
        return (
            self.messages.unsent_bytes
            + self.requests.unsent_bytes
            + self.answers.unsent_bytes
            + self.streams.unsent_bytes
        )

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept besides ``queued_bytes``."""
        return sum(lane.kept_bytes for lane in self.lanes)

    @property
    def acknowledged_bytes(self) -> int:
        """The weight of everything acknowledged."""
        return sum(lane.acknowledged for lane in self.lanes)

    @property
    def all_sent(self) -> bool:
        for lane in self.lanes:  # noqa: SIM110 - at each write, and all() with a generator takes thrice as long
            if lane.unsent_bytes or lane.again:
                return False
        return True

    def is_ahead(self, lane: SendLane) -> bool:
        """Whether the next frame of the lane was written after messages that can leave first. It does not wait for a
        large message, nor for messages that the peer's window holds up."""
        messages = self.messages
        if lane.follows <= messages.left_position:
            return False
        return messages.next_bytes() > 0 and not messages.is_within_body

    def message(self, type: int, data: bytes) -> None:
        body_bytes = 4 + len(data)
        if body_bytes > MAX_SHARED_BODY_BYTES:
            self.messages.push_body(Body(_MESSAGE_KINDS, (type,), data))
        else:
            self.messages.push(_pack_message(_MESSAGE_HEADER | body_bytes, type) + data)

    def request(self, request: RequestContent) -> None:
        lane = self.requests
        self._follow(lane)
        id, type, data, context = request
        body_bytes = 8 + len(data)
        if context is None and body_bytes <= MAX_SHARED_BODY_BYTES:
            lane.push(_pack_request(_REQUEST_HEADER | body_bytes, id, type) + data)
            return
        ahead = b"" if context is None else encode_context(FRAME_KINDS["request-context"], id, context)
        push_body(lane, Body(_REQUEST_KINDS, (id, type), data, ahead))

    def admin(self, id: int, operation: int, data: bytes) -> None:
        self._follow(self.requests)
        body = b"".join((id.to_bytes(4, "big"), bytes((operation,)), data))
        self.requests.push(encode_frame(FRAME_KINDS["admin-request"], body))

    def answer(self, id: int, data: bytes) -> None:
        self._follow(self.answers)
        body_bytes = 4 + len(data)
        if body_bytes > MAX_SHARED_BODY_BYTES:
            self.answers.push_body(Body(_ANSWER_KINDS, (id,), data))
        else:
            self.answers.push(_pack_message(_ANSWER_HEADER | body_bytes, id) + data)

    def failure(self, id: int, failure: Failure) -> None:
        """The code has at most 64 ASCII characters; the message is cut to what fits into a frame with the data."""
        self._follow(self.answers)
        kind = FRAME_KINDS["failure" if failure.data is None else "failure-with-data"]
        content = encode_failure(*failure)
        push_body(self.answers, Body(BodyKinds(kind, kind, kind, part_fields=0), (id,), content))

    def cancel(self, id: int) -> None:
        self._follow(self.answers)
        self.answers.push(encode_fields(FRAME_KINDS["cancel"], id))

    def acknowledge(self, consumed: Positions) -> None:
        """The peer acknowledges these positions. Raises a PeerError ``ERR_FRAME_INVALID`` if they are impossible."""
        for lane, position in zip(self.lanes, consumed, strict=True):
            if position == lane.acknowledged:
                continue
            if not lane.acknowledged < position <= lane.sent_position:
                raise invalid_frame("an acknowledgement of what was not sent, or before an earlier one")
            if not lane.ends_frame(position):
                raise invalid_frame("an acknowledgement within a frame")
            lane.acknowledge(position)

    def rewind(self, received: Positions) -> None:
        """Goes on, on another connection, after what the peer has received.

        Raises a PeerError ``ERR_FRAME_INVALID`` if it cannot go on from there; then nothing has changed."""
        if not all(lane.can_rewind(position) for lane, position in zip(self.lanes, received, strict=True)):
            raise invalid_frame("a position that this end cannot go on from")
        for lane, position in zip(self.lanes, received, strict=True):
            lane.rewind(position)

    def _follow(self, lane: SendLane) -> None:
        messages = self.messages
        lane.follow(messages.written_position, waits=not messages.all_sent)


def push_body(lane: SendLane, body: Body) -> None:
    """Has the lane send a body, together with other frames if it is small."""
    if body.frame_bytes(0) > MAX_SHARED_BODY_BYTES + 4 or body.is_cut:
        lane.push_body(body)
    elif body.ahead:
        whole = body.frame(0)
        lane.push_pair(body.ahead, whole[len(body.ahead) :])
    else:
        lane.push(body.frame(0))
