"""What users read and write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import CallerError

if TYPE_CHECKING:
    from .connection import Connection

MESSAGE_OVERHEAD_BYTES = 64
"""What a message weighs in a queue besides its data, so that empty ones are bounded too."""


@dataclass(frozen=True, slots=True)
class Message:
    """One application payload with its type."""

    type: int
    """1 to 4294967295; the two programs agree on what each means."""
    data: bytes

    @property
    def text(self) -> str:
        """``data`` as UTF-8 text, with the byte order mark, if there is one. Bytes that are no UTF-8 become U+FFFD."""
        return self.data.decode("utf-8", "replace")


C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class MessageFrom(Message, Generic[C]):
    """A message that arrived at a server, with the connection that it came by."""

    connection: C
    """Write to it to answer."""


if TYPE_CHECKING:
    ConnectionMessage = MessageFrom[Connection]

MessageData = str | bytes | bytearray | memoryview
"""What can be written: text goes as UTF-8, so it must not have half of a surrogate pair."""


def to_bytes(data: object) -> bytes:
    """Raises a CallerError ``ERR_INVALID_ARGUMENT`` for anything else: nothing is turned into text or JSON unasked."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError as error:
            raise CallerError("ERR_INVALID_ARGUMENT", "data is text that UTF-8 cannot hold", error) from error
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise CallerError("ERR_INVALID_ARGUMENT", f"data must be a string or bytes, not {type(data).__name__}")
