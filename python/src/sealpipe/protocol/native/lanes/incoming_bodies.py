"""The large bodies of a lane that are under way. Source: spec/protocol.md, "Large bodies"."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ....errors import PeerError
from ..wire.frame import MIN_PART_BYTES, invalid_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...session import TraceContext


def check_body_size(data_bytes: int, max_message_bytes: int) -> None:
    """Raises a PeerError ``ERR_PEER_MESSAGE_TOO_LARGE``."""
    if data_bytes > max_message_bytes:
        raise PeerError(
            "ERR_PEER_MESSAGE_TOO_LARGE",
            f"the peer sent a message of {data_bytes} bytes, over max_message_bytes ({max_message_bytes})",
        )


class BodyStart(NamedTuple):
    """The fields of the first frame of a large body."""

    id: int
    """0 if the lane has no ids."""
    type: int
    total_bytes: int
    context: TraceContext | None = None


class IncomingBody(NamedTuple):
    id: int
    type: int
    data: bytes
    context: TraceContext | None


class UnfinishedBody:
    """A large body that is under way: memory is taken for what has arrived of it, and not more."""

    def __init__(self, start: BodyStart) -> None:
        self.start = start
        self.parts: list[bytes] = []
        self.missing_bytes = start.total_bytes


class IncomingBodies:
    def __init__(self, *, max_message_bytes: int, max_under_way: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._max_under_way = max_under_way
        self.under_way: dict[int, UnfinishedBody] = {}
        """By their ids."""

    @property
    def unfinished(self) -> Iterable[UnfinishedBody]:
        return self.under_way.values()

    @property
    def kept_bytes(self) -> int:
        """The memory that they take."""
        return sum(body.start.total_bytes - body.missing_bytes for body in self.under_way.values())

    def start(self, start: BodyStart, data: bytes) -> None:
        """The first frame has arrived, with that data.

        Raises a PeerError ``ERR_PEER_MESSAGE_TOO_LARGE`` or ``ERR_FRAME_INVALID``."""
        check_body_size(start.total_bytes, self._max_message_bytes)
        if start.id in self.under_way or len(self.under_way) >= self._max_under_way:
            raise invalid_frame("the start of a large body while as many as there may be are under way")
        if len(data) >= start.total_bytes:
            raise invalid_frame("the start of a large body that is all of it")
        body = UnfinishedBody(start)
        self.under_way[start.id] = body
        self._add(body, data)

    def part(self, id: int, data: bytes) -> IncomingBody | None:
        """Returns the whole body with its last part, until then ``None``. Raises a PeerError ``ERR_FRAME_INVALID``."""
        body = self.under_way.get(id)
        if body is None:
            raise invalid_frame("a part of a large body that has no start")
        self._add(body, data)
        if body.missing_bytes > 0:
            return None
        del self.under_way[id]
        return IncomingBody(id, body.start.type, b"".join(body.parts), body.start.context)

    @staticmethod
    def _add(body: UnfinishedBody, data: bytes) -> None:
        missing_bytes = body.missing_bytes - len(data)
        if missing_bytes < 0:
            raise invalid_frame("more of a large body than its start said")
        if missing_bytes > 0 and len(data) < MIN_PART_BYTES:
            raise invalid_frame("a part that is too small")
        body.missing_bytes = missing_bytes
        body.parts.append(data)
