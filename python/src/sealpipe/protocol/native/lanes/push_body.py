"""Bodies that may be too large for a frame. Source: spec/protocol.md, "Large bodies"."""

from __future__ import annotations

from typing import NamedTuple

from ..wire.frame import FRAME_HEADER_BYTES, MAX_BODY_BYTES

MAX_SHARED_BODY_BYTES = 16_384 - FRAME_HEADER_BYTES
"""A frame with a longer body is not joined with others before it leaves."""


class BodyKinds(NamedTuple):
    """The kinds of what can be cut into parts."""

    whole: int
    start: int
    part: int
    part_fields: int
    """How many of the fields each part has."""


class Body:
    """A message, a request, an answer, an opening or an item, each of whose frames is made when it leaves.

    Its data are the application's: ``bytes`` do not change."""

    __slots__ = ("_part_bytes", "_start_bytes", "ahead", "data", "fields", "follows", "frames", "kinds", "next")

    def __init__(self, kinds: BodyKinds, fields: tuple[int, ...], data: bytes, ahead: bytes = b"") -> None:
        self.kinds = kinds
        self.fields = fields
        self.data = data
        self.ahead = ahead
        """A whole frame that leaves directly before the first of the body, in the same record."""
        self.follows = 0
        """The position in the lane of messages that has to leave before this."""
        self.next = 0
        """The first frame that was not sent."""
        self._start_bytes = MAX_BODY_BYTES - 4 * (len(fields) + 1) - len(ahead)
        self._part_bytes = MAX_BODY_BYTES - 4 * kinds.part_fields
        self.frames = 1
        if len(ahead) + 4 * len(fields) + len(data) > MAX_BODY_BYTES:
            self.frames += -(-(len(data) - self._start_bytes) // self._part_bytes)

    @property
    def is_cut(self) -> bool:
        return self.frames > 1

    def frame(self, index: int) -> bytes:
        """The frame with that index; the first with what is ahead of it."""
        data, fields = self.data, self.fields
        if self.frames == 1:
            return _join(self.kinds.whole, fields, data, self.ahead)
        # Through a view: the data are copied only once.
        with memoryview(data) as view:
            if index == 0:
                return _join(self.kinds.start, (*fields, len(data)), view[: self._start_bytes], self.ahead)
            start = self._start_bytes + (index - 1) * self._part_bytes
            part = view[start : start + self._part_bytes]
            return _join(self.kinds.part, fields[: self.kinds.part_fields], part)

    def frame_bytes(self, index: int) -> int:
        """The length of that."""
        if not self.is_cut:
            return len(self.ahead) + FRAME_HEADER_BYTES + 4 * len(self.fields) + len(self.data)
        if index < self.frames - 1:
            return FRAME_HEADER_BYTES + MAX_BODY_BYTES
        rest = len(self.data) - self._start_bytes - (index - 1) * self._part_bytes
        return FRAME_HEADER_BYTES + 4 * self.kinds.part_fields + rest

    def frame_count(self, index: int) -> int:
        """How many frames that are."""
        return 2 if index == 0 and self.ahead else 1


def _join(kind: int, fields: tuple[int, ...], data: bytes | memoryview, ahead: bytes = b"") -> bytes:
    """A whole frame of that kind, after what is ahead of it."""
    header = kind << 24 | 4 * len(fields) + len(data)
    return b"".join((ahead, *[field.to_bytes(4, "big") for field in (header, *fields)], data))
