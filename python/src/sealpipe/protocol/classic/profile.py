"""golang-ipc's messages: one frame each, sealed one by one if the connection is encrypted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NoReturn

from ...errors import CallerError, PeerError
from ..engine_errors import connection_lost
from ..integers import encode_uint32
from ..length_prefix import FrameBounds, encode_frame, read_frame
from ..message import RESERVED_TYPE, check_message, check_peer_takes
from ..profile import MessagesCame
from ..send_buffer import SendBuffer
from ..session import ConsumedLane, Failure, Leftovers, TraceContext
from .close import ClassicClose
from .record import SEALED_OVERHEAD_BYTES, RecordProtection

if TYPE_CHECKING:
    from ..close import CloseStart
    from ..receive_buffer import ReceiveBuffer

TYPE_BYTES = 4
"""The type before each message's data, big-endian."""


class ClassicProfile:
    """The profile is its own session, which ends with the connection and has only messages."""

    name: Literal["classic"] = "classic"
    needs_pausing = True
    output_ended = True
    answers_close = False
    is_acknowledged = False
    is_resumable = False
    queued_request_bytes = 0
    queued_answer_bytes = 0

    def __init__(self, max_message_bytes: int, peer_max_message_bytes: int, records: RecordProtection | None) -> None:
        overhead_bytes = TYPE_BYTES + (0 if records is None else SEALED_OVERHEAD_BYTES)
        self.encrypted = records is not None
        self._records = records
        self._max_message_bytes = max_message_bytes
        self._peer_max_message_bytes = peer_max_message_bytes
        self._output = SendBuffer()
        self._closed = False
        # It may have, and be spent by now: nobody asks it so often that it would matter.
        self.has_more_output = True
        self.is_drained = False
        self._bounds = FrameBounds(
            min_bytes=overhead_bytes,
            max_bytes=overhead_bytes + max_message_bytes,
            too_large=lambda payload_bytes: PeerError(
                "ERR_PEER_MESSAGE_TOO_LARGE",
                f"the peer announced a message of {payload_bytes - overhead_bytes} bytes, "
                f"over max_message_bytes ({max_message_bytes})",
            ),
        )

    @property
    def session(self) -> ClassicProfile:
        return self

    @property
    def is_spent(self) -> bool:
        """Its key has sealed as many payloads as it may: the engine closes."""
        return self._records is not None and self._records.is_spent

    @property
    def queued_bytes(self) -> int:
        return len(self._output)

    queued_message_bytes = queued_bytes
    unsent_bytes = queued_bytes

    def send(self, type: int, data: bytes) -> None:
        check_message(type, len(data), self._max_message_bytes)
        check_peer_takes(len(data), self._peer_max_message_bytes)
        if self._closed or self.is_spent:
            raise CallerError("ERR_CLOSED", "the connection is closed")
        if self._records is None:
            self._output.push(encode_frame(encode_uint32(type), data))
        else:
            self._output.push(encode_frame(*self._records.seal(encode_uint32(type) + data)))

    def request(self, type: int, data: bytes, context: TraceContext | None = None) -> NoReturn:
        raise _not_native("has messages and no requests")

    def admin(self, operation: int, data: bytes) -> NoReturn:
        raise _not_native("has no requests")

    @property
    def streams(self) -> NoReturn:
        raise _not_native("has no streams")

    def receive(self, input: ReceiveBuffer) -> MessagesCame | None:
        while True:
            payload = read_frame(input, self._bounds)
            if payload is None:
                return None
            plaintext = payload if self._records is None else self._records.open(payload)
            type = int.from_bytes(plaintext[:TYPE_BYTES], "big")
            if type != RESERVED_TYPE:
                return MessagesCame([(type, plaintext[TYPE_BYTES:], 0)])

    def take_output(self) -> bytes:
        return self._output.take()

    def close(self, start: CloseStart) -> ClassicClose:
        self._closed = True
        return ClassicClose(start)

    def loss_at_end(self, cause: BaseException | None, *, closing: bool) -> PeerError | None:
        return None if cause is None else connection_lost("", cause)

    def finish(self, *, orderly: bool, lost: bool = False) -> None:
        self._closed = True
        if not orderly:
            self._output.clear()

    def next_timeout(self) -> float:
        return math.inf

    def abandon(self) -> Leftovers:
        """Classic cannot know what has arrived."""
        return Leftovers([], [], [])

    # The classic wire has nothing for any of these.

    def consumed(self, lane: ConsumedLane, position: int) -> None: ...

    def ask_for_acknowledgement(self) -> None: ...

    def cancel(self, id: int) -> None: ...

    def answer(self, id: int, data: bytes) -> None: ...

    def fail(self, id: int, failure: Failure) -> None: ...

    def heard(self) -> None: ...

    def handle_timeout(self, now: float) -> None: ...


def _not_native(lack: str) -> PeerError:
    return PeerError("ERR_PEER_NOT_NATIVE", f"the peer speaks golang-ipc's wire, which {lack}")
