"""The context that has arrived in a lane. Source: spec/protocol.md, "Context"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.frame import invalid_frame, read_uint32
from ..wire.trace_context import decode_context

if TYPE_CHECKING:
    from ....errors import PeerError
    from ...session import TraceContext


class ContextAhead:
    """It belongs to the request or the stream whose first frame is the next. Each method raises a PeerError
    ``ERR_FRAME_INVALID``."""

    def __init__(self, *, is_agreed: bool) -> None:
        """``is_agreed``: whether both ends have the feature."""
        self._is_agreed = is_agreed
        self._ahead: tuple[int, TraceContext] | None = None

    def arrived(self, body: bytes) -> None:
        if not self._is_agreed:
            raise invalid_frame("a context, which was not agreed on")
        self.check_none()
        self._ahead = (read_uint32(body, 0), decode_context(body[4:]))

    def take(self, id: int) -> TraceContext | None:
        """The context of what that id begins, if it has one. Raises if it is another's."""
        if self._ahead is None:
            return None
        expected, context = self._ahead
        if expected != id:
            raise self._error(expected)
        self._ahead = None
        return context

    def check_none(self) -> None:
        """Raises if the next frame has to be a first one."""
        if self._ahead is not None:
            raise self._error(self._ahead[0])

    @staticmethod
    def _error(id: int) -> PeerError:
        return invalid_frame(f"a context for {id}, and then something else")
