"""Messages, and the data that can be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from ...errors import CallerError

if TYPE_CHECKING:
    from ...protocol.native.lanes.receive_lane import ReceiveLane

MESSAGE_OVERHEAD_BYTES = 256
"""The memory of a waiting message besides its data, counted so that empty messages are bounded, too."""


@dataclass(slots=True, unsafe_hash=True)
class Message:
    """One application payload with its type. Do not change it."""

    type: int
    """1 to 4294967295; what each means is up to the two programs."""
    data: bytes
    _lane: ReceiveLane | None = field(default=None, init=False, repr=False, compare=False)
    """Where it counts until it is consumed, and its position there."""
    _position: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        """``data`` as UTF-8 text, with the byte order mark, if there is one. Bytes that are not UTF-8 become
        U+FFFD."""
        return self.data.decode("utf-8", "replace")


C = TypeVar("C")


@dataclass(slots=True, unsafe_hash=True)
class MessageFrom(Message, Generic[C]):
    """A message that arrived at a server, with its connection."""

    connection: C
    """The connection on which it arrived; write to it to answer."""


MessageData = str | bytes | bytearray | memoryview
"""What can be written. Text is sent as UTF-8, so it must not have half of a surrogate pair."""


def to_bytes(data: object) -> bytes:
    """Raises a CallerError ``ERR_INVALID_ARGUMENT`` for anything else: nothing is converted to text or JSON."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError as error:
            raise CallerError("ERR_INVALID_ARGUMENT", "data is text that UTF-8 cannot hold", error) from error
    if isinstance(data, bytearray):
        return bytes(data)
    if isinstance(data, memoryview):
        return data.tobytes()
    raise CallerError("ERR_INVALID_ARGUMENT", f"data must be a string or bytes, not {type(data).__name__}")
