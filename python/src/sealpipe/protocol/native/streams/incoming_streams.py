"""The frames of streams that this end receives. Source: spec/protocol.md, "Streams"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...session import CreditCame, ItemCame, StreamEnded, StreamOpened, StreamReset, StreamStopped
from ..lanes.context_ahead import ContextAhead
from ..lanes.incoming_bodies import BodyStart, IncomingBodies, check_body_size
from ..lanes.send_lane import FRAME_OVERHEAD_BYTES
from ..wire.failure import decode_failure
from ..wire.frame import (
    FRAME_HEADER_BYTES,
    FRAME_KINDS,
    ITEM,
    check_frame_type,
    invalid_frame,
    read_position,
    read_uint32,
)
from ..wire.offers import has_feature

if TYPE_CHECKING:
    from ...profile import IncomingStreamEvent
    from ...session import TraceContext
    from .streams import Streams

_PART = FRAME_KINDS["stream-part"]
_OPEN = FRAME_KINDS["stream-open"]
_OPEN_START = FRAME_KINDS["stream-open-start"]
_ITEM_START = FRAME_KINDS["item-start"]
_CONTEXT = FRAME_KINDS["stream-context"]
_END = FRAME_KINDS["stream-end"]
_RESET = FRAME_KINDS["stream-reset"]
_STOP = FRAME_KINDS["stop-sending"]


class _UnderWay:
    """The large body under way: an opening if it has a type, otherwise an item; and what its frames weigh so far."""

    def __init__(self, id: int, type: int | None, context: TraceContext | None) -> None:
        self.id = id
        self.type = type
        self.context = context
        self.weight = 0


class IncomingStreams:
    def __init__(self, streams: Streams, *, max_message_bytes: int, features: int) -> None:
        self._streams = streams
        self._max_message_bytes = max_message_bytes
        self._context = ContextAhead(is_agreed=has_feature(features, "context"))
        self.bodies = IncomingBodies(max_message_bytes=max_message_bytes, max_under_way=1)
        """One at a time, so it needs no id."""
        self._under_way: _UnderWay | None = None

    def receive(self, kind: int, body: bytes) -> IncomingStreamEvent | None:
        """A frame that is as long as its kind needs; an event if it completes one.

        Raises a PeerError ``ERR_FRAME_INVALID``, ``ERR_PEER_MESSAGE_TOO_LARGE`` or ``ERR_WINDOW_EXCEEDED``."""
        if kind == _PART:
            return self._part(body)
        if self._under_way is not None:
            raise invalid_frame("a frame of a stream within a large body of one")
        id = read_uint32(body, 0)
        context = self._context.take(id)
        if kind == ITEM and context is None:
            check_body_size(len(body) - 4, self._max_message_bytes)
            self._streams.begin_item(id)
            return self._item(id, _weight_of(body), body[4:])
        if context is not None and kind not in (_OPEN, _OPEN_START):
            raise invalid_frame("the context of a stream, and then something else than its opening")
        if kind == _OPEN:
            check_body_size(len(body) - 8, self._max_message_bytes)
            type = check_frame_type(read_uint32(body, 4))
            self._streams.begin_opening(id)
            return StreamOpened(id, type, body[8:], context)
        if kind == _OPEN_START:
            self._streams.begin_opening(id)
            type = check_frame_type(read_uint32(body, 4))
            self._start(_UnderWay(id, type, context), body, 12)
        elif kind == _ITEM_START:
            self._streams.begin_item(id)
            self._start(_UnderWay(id, None, None), body, 8)
        elif kind == _CONTEXT:
            self._context.arrived(body)
        else:
            return self._control(kind, id, body)
        return None

    def _control(self, kind: int, id: int, body: bytes) -> IncomingStreamEvent | None:
        if kind == _END:
            return StreamEnded(id) if self._streams.peer_ends(id) else None
        if kind == _RESET:
            code, message = decode_failure(body)
            return StreamReset(id, code, message) if self._streams.peer_resets(id) else None
        if kind == _STOP:
            return StreamStopped(id) if self._streams.peer_stops(id) else None
        return CreditCame(id) if self._streams.peer_consumes(id, read_position(body, 4)) else None

    def _item(self, id: int, weight: int, data: bytes) -> ItemCame | None:
        return ItemCame(id, data, weight) if self._streams.receive(id, weight) else None

    def _start(self, begun: _UnderWay, body: bytes, fixed_bytes: int) -> None:
        total_bytes = read_uint32(body, fixed_bytes - 4)
        self.bodies.start(BodyStart(0, 0, total_bytes), body[fixed_bytes:])
        begun.weight = _weight_of(body)
        self._under_way = begun

    def _part(self, body: bytes) -> IncomingStreamEvent | None:
        under_way = self._under_way
        if under_way is None:
            raise invalid_frame("a part of a large body that has no start")
        whole = self.bodies.part(0, body)
        under_way.weight += _weight_of(body)
        if whole is None:
            return None
        self._under_way = None
        if under_way.type is None:
            return self._item(under_way.id, under_way.weight, whole.data)
        if not self._streams.has(under_way.id):
            return None
        return StreamOpened(under_way.id, under_way.type, whole.data, under_way.context)


def _weight_of(body: bytes) -> int:
    return len(body) + FRAME_HEADER_BYTES + FRAME_OVERHEAD_BYTES
