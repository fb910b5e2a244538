"""The frames of streams, written into their lane."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..lanes.outgoing import push_body
from ..lanes.push_body import MAX_SHARED_BODY_BYTES, Body, BodyKinds
from ..lanes.send_lane import FRAME_OVERHEAD_BYTES
from ..wire.failure import encode_failure
from ..wire.frame import FRAME_HEADER_BYTES, FRAME_KINDS, ITEM, encode_fields, encode_frame
from ..wire.trace_context import encode_context

if TYPE_CHECKING:
    from ...session import Failure, RequestContent
    from ..lanes.send_lane import SendLane

_PART = FRAME_KINDS["stream-part"]
_OPEN_KINDS = BodyKinds(FRAME_KINDS["stream-open"], FRAME_KINDS["stream-open-start"], _PART, part_fields=0)
_ITEM_KINDS = BodyKinds(ITEM, FRAME_KINDS["item-start"], _PART, part_fields=0)
_RESET = FRAME_KINDS["stream-reset"]
_RESET_KINDS = BodyKinds(_RESET, _RESET, _RESET, part_fields=0)

_pack_item = struct.Struct(">II").pack
_ITEM_HEADER = ITEM << 24


class StreamFrames:
    def __init__(self, lane: SendLane) -> None:
        self._lane = lane

    def open(self, stream: RequestContent) -> None:
        id, type, data, context = stream
        ahead = b"" if context is None else encode_context(FRAME_KINDS["stream-context"], id, context)
        push_body(self._lane, Body(_OPEN_KINDS, (id, type), data, ahead))

    def item(self, id: int, data: bytes) -> int:
        """Returns the weight of the item's frames."""
        lane = self._lane
        body_bytes = 4 + len(data)
        if body_bytes <= MAX_SHARED_BODY_BYTES:
            lane.push(_pack_item(_ITEM_HEADER | body_bytes, id) + data)
            return FRAME_HEADER_BYTES + body_bytes + FRAME_OVERHEAD_BYTES
        before = lane.written_position
        lane.push_body(Body(_ITEM_KINDS, (id,), data))
        return lane.written_position - before

    def end(self, id: int) -> None:
        self._lane.push(encode_fields(FRAME_KINDS["stream-end"], id))

    def reset(self, id: int, failure: Failure) -> None:
        """Of the message no more is sent than fits into a frame."""
        push_body(self._lane, Body(_RESET_KINDS, (id,), encode_failure(failure.code, failure.message)))

    def stop_sending(self, id: int) -> None:
        self._lane.push(encode_fields(FRAME_KINDS["stop-sending"], id))

    def credit(self, id: int, consumed: int) -> None:
        body = id.to_bytes(4, "big") + consumed.to_bytes(8, "big")
        self._lane.push(encode_frame(FRAME_KINDS["stream-credit"], body))
