"""golang-ipc's messages: one frame each, sealed one by one where the connection is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ...errors import PeerError
from ..integers import encode_uint32
from ..length_prefix import FrameBounds, encode_frame, read_frame
from ..message import RESERVED_TYPE, MessageContent
from .record import SEALED_OVERHEAD_BYTES, RecordProtection

if TYPE_CHECKING:
    from ..receive_buffer import ReceiveBuffer
    from ..send_buffer import SendBuffer

TYPE_BYTES = 4
"""The type before each message's data, big-endian."""


class ClassicProfile:
    name: Literal["classic"] = "classic"

    def __init__(self, max_message_bytes: int, records: RecordProtection | None) -> None:
        overhead_bytes = TYPE_BYTES + (0 if records is None else SEALED_OVERHEAD_BYTES)
        self.encrypted = records is not None
        self._records = records
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
    def is_spent(self) -> bool:
        """Its key has sealed all that it may: the engine closes."""
        return self._records is not None and self._records.is_spent

    def encode(self, type: int, data: bytes, output: SendBuffer) -> None:
        if self._records is None:
            output.push(encode_frame(encode_uint32(type), data))
        else:
            output.push(encode_frame(*self._records.seal(encode_uint32(type) + data)))

    def decode(self, input: ReceiveBuffer) -> MessageContent | None:
        while True:
            payload = read_frame(input, self._bounds)
            if payload is None:
                return None
            plaintext = payload if self._records is None else self._records.open(payload)
            type = int.from_bytes(plaintext[:TYPE_BYTES], "big")
            if type != RESERVED_TYPE:
                return MessageContent(type, plaintext[TYPE_BYTES:])
