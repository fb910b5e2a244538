"""The frames within a record. Source: spec/protocol.md, "Native frame"."""

from __future__ import annotations

from types import MappingProxyType

from ....errors import PeerError
from ...message import RESERVED_TYPE

FRAME_KINDS: MappingProxyType[str, int] = MappingProxyType(
    {
        "hello": 0x01,
        "acknowledge": 0x02,
        "acknowledge-soon": 0x03,
        "ping": 0x04,
        "pong": 0x05,
        "close": 0x06,
        "message": 0x10,
        "message-start": 0x11,
        "message-part": 0x12,
        "request": 0x20,
        "request-start": 0x21,
        "request-part": 0x22,
        "request-context": 0x23,
        "admin-request": 0x24,
        "answer": 0x30,
        "answer-start": 0x31,
        "answer-part": 0x32,
        "failure": 0x33,
        "cancel": 0x34,
        "failure-with-data": 0x35,
        "stream-open": 0x40,
        "stream-open-start": 0x41,
        "item": 0x42,
        "item-start": 0x43,
        "stream-part": 0x44,
        "stream-end": 0x45,
        "stream-reset": 0x46,
        "stop-sending": 0x47,
        "stream-credit": 0x48,
        "stream-context": 0x49,
    }
)
"""Each kind of frame, with its name and number in the spec's table."""

MESSAGE = FRAME_KINDS["message"]
REQUEST = FRAME_KINDS["request"]
ANSWER = FRAME_KINDS["answer"]
ITEM = FRAME_KINDS["item"]

FRAME_HEADER_BYTES = 4
"""A frame's kind and the length of its body."""
MAX_RECORD_BYTES = 131_072
"""Max bytes of frames in one record."""
RECORD_ROOM_BYTES = MAX_RECORD_BYTES - 1_024
"""Max bytes of frames of lanes that this end puts into one record: the rest is for an acknowledgement or a pong."""
MAX_BODY_BYTES = RECORD_ROOM_BYTES - FRAME_HEADER_BYTES
"""The largest body that this end sends in a frame."""
MIN_PART_BYTES = 16_384
"""Min bytes of a part that is not a body's last."""
MAX_POSITION = 2**53 - 1
"""No position reaches a higher one."""


def encode_frame(kind: int, body: bytes) -> bytes:
    """A whole frame of that kind."""
    return (kind << 24 | len(body)).to_bytes(4, "big") + body


def encode_fields(kind: int, *fields: int) -> bytes:
    """A whole frame whose body is these u32s."""
    return encode_frame(kind, b"".join([field.to_bytes(4, "big") for field in fields]))


def frame_bytes(frames: bytes, offset: int) -> int:
    """The length of the whole frame at ``offset``, header included. The caller has seen that its header is there."""
    return FRAME_HEADER_BYTES + int.from_bytes(frames[offset + 1 : offset + 4], "big")


def read_uint32(body: bytes, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 4], "big")


def read_position(body: bytes, offset: int) -> int:
    """Raises a PeerError ``ERR_FRAME_INVALID`` for a number of 2^53 or more, which no position reaches."""
    value = int.from_bytes(body[offset : offset + 8], "big")
    if value > MAX_POSITION:
        raise invalid_frame("a position of 2^53 or more")
    return value


_FIXED_BYTES = {
    FRAME_KINDS[name]: count
    for count, names in {
        0: ("message-part", "stream-part"),
        4: ("message", "answer", "request-part", "answer-part", "cancel", "item", "stream-end", "stop-sending"),
        5: ("admin-request",),
        6: ("failure", "stream-reset"),
        8: ("request", "message-start", "answer-start", "failure-with-data", "stream-open", "item-start"),
        12: ("request-start", "stream-open-start", "stream-credit"),
        30: ("request-context", "stream-context"),
    }.items()
    for name in names
}


def fixed_bytes(kind: int) -> int:
    """The length of a kind's fixed fields. Raises a PeerError ``ERR_FRAME_INVALID`` if no lane has such a kind."""
    count = _FIXED_BYTES.get(kind)
    if count is None:
        raise invalid_frame(f"a frame of the unknown kind {kind}")
    return count


def check_frame_type(type: int) -> int:
    """The type that a frame says. Raises a PeerError ``ERR_FRAME_INVALID`` for 0, which there is not."""
    if type == RESERVED_TYPE:
        raise invalid_frame("a message of type 0")
    return type


def invalid_frame(what: str) -> PeerError:
    """The error for a frame that the spec does not allow."""
    return PeerError("ERR_FRAME_INVALID", f"the peer sent {what}")
