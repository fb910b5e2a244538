"""Messages and requests that are sent while there is no session."""

from __future__ import annotations

from typing import NoReturn

from ...errors import PeerError
from ...protocol.message import MessageContent, check_message
from ...protocol.native.lanes.send_lane import FRAME_OVERHEAD_BYTES
from ...protocol.native.requests.request_ids import OwnRequestIds
from ...protocol.native.wire.frame import FRAME_HEADER_BYTES
from ...protocol.native.wire.trace_context import TRACEPARENT_BYTES
from ...protocol.session import ConsumedLane, Failure, Leftovers, RequestContent, TraceContext

_MESSAGE_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 4 + FRAME_OVERHEAD_BYTES
_REQUEST_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 8 + FRAME_OVERHEAD_BYTES
_CONTEXT_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 4 + TRACEPARENT_BYTES + FRAME_OVERHEAD_BYTES


def _weight_of(request: RequestContent) -> int:
    """The same as in a lane."""
    weight = len(request.data) + _REQUEST_OVERHEAD_BYTES
    if request.context is not None:
        weight += _CONTEXT_OVERHEAD_BYTES + len(request.context.tracestate or "")
    return weight


class OfflineQueue:
    """They wait here, in order, for the next session."""

    is_acknowledged = True
    is_resumable = False
    queued_answer_bytes = 0

    def __init__(self, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._ids = OwnRequestIds()
        self._messages: list[MessageContent] = []
        self._requests: dict[int, RequestContent] = {}
        self.queued_message_bytes = 0
        self.queued_request_bytes = 0

    @property
    def queued_bytes(self) -> int:
        return self.queued_message_bytes + self.queued_request_bytes

    def send(self, type: int, data: bytes) -> None:
        check_message(type, len(data), self._max_message_bytes)
        self._messages.append(MessageContent(type, data))
        self.queued_message_bytes += len(data) + _MESSAGE_OVERHEAD_BYTES

    def request(self, type: int, data: bytes, context: TraceContext | None = None) -> int:
        check_message(type, len(data), self._max_message_bytes)
        id = self._ids.next()
        request = RequestContent(id, type, data, context)
        self._requests[id] = request
        self.queued_request_bytes += _weight_of(request)
        return id

    def cancel(self, id: int) -> None:
        request = self._requests.pop(id, None)
        if request is not None:
            self.queued_request_bytes -= _weight_of(request)

    def admin(self, operation: int, data: bytes) -> NoReturn:
        """It is for a server that is there. Raises a PeerError ``ERR_NOT_CONNECTED``."""
        raise PeerError("ERR_NOT_CONNECTED", "there is no server that could be asked")

    @property
    def streams(self) -> NoReturn:
        """There is none before there is a session. Raises a PeerError ``ERR_NOT_CONNECTED``."""
        raise PeerError("ERR_NOT_CONNECTED", "there is no session that could have a stream")

    def abandon(self) -> Leftovers:
        return Leftovers([], self._messages, list(self._requests.values()))

    # Nothing has arrived, so there is nothing to answer or to consume.

    def answer(self, id: int, data: bytes) -> None: ...

    def fail(self, id: int, failure: Failure) -> None: ...

    def consumed(self, lane: ConsumedLane, position: int) -> None: ...

    def ask_for_acknowledgement(self) -> None: ...
