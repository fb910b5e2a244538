"""One length-prefixed unit on the wire, in both profiles. Source: spec/protocol.md, "Frame"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import PeerError
from .integers import encode_uint32

if TYPE_CHECKING:
    from collections.abc import Callable

    from .receive_buffer import ReceiveBuffer

LENGTH_BYTES = 4
"""The length before each frame's payload, big-endian."""


@dataclass(frozen=True)
class FrameBounds:
    """The payload sizes that a frame may have, and the error for a larger one."""

    min_bytes: int
    max_bytes: int
    too_large: Callable[[int], PeerError]


def read_frame(buffer: ReceiveBuffer, bounds: FrameBounds) -> bytes | None:
    """The payload of the next frame, once all of it is there. Raises as ``read_length``."""
    payload_bytes = read_length(buffer, bounds)
    return None if payload_bytes is None else buffer.take(payload_bytes)


def read_length(buffer: ReceiveBuffer, bounds: FrameBounds) -> int | None:
    """The length of the next frame's payload, once all of that is there, for which the caller then takes it.

    The length is checked as soon as it has arrived, before memory is allocated for the rest. Raises a PeerError:
    ``ERR_FRAME_TOO_SHORT``, or that of ``bounds.too_large``."""
    buffered = len(buffer)
    if buffered < LENGTH_BYTES:
        return None
    payload_bytes = buffer.peek_uint32()
    if payload_bytes < bounds.min_bytes:
        raise PeerError(
            "ERR_FRAME_TOO_SHORT",
            f"a frame of {payload_bytes} bytes arrived; the min is {bounds.min_bytes}",
        )
    if payload_bytes > bounds.max_bytes:
        raise bounds.too_large(payload_bytes)
    if buffered < LENGTH_BYTES + payload_bytes:
        return None
    buffer.skip(LENGTH_BYTES)
    return payload_bytes


def encode_frame(*payload: bytes) -> bytes:
    """The payload's parts as one frame."""
    return b"".join((encode_uint32(sum(map(len, payload))), *payload))
