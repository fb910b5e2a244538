"""The fields of a hello. Source: spec/protocol.md, "Native hello"."""

from __future__ import annotations

from .frame import invalid_frame

MAX_TEXT_BYTES = 255
"""Max bytes of UTF-8 in each of a hello's texts."""


def encode_text(text: str) -> bytes:
    """The caller has checked that it fits."""
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded


class Fields:
    """Reads a body from its start to its end. Each method raises a PeerError ``ERR_FRAME_INVALID`` if that is cut."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._offset = 0

    @property
    def is_empty(self) -> bool:
        return self._offset == len(self._body)

    def take(self, count: int) -> bytes:
        end = self._offset + count
        if end > len(self._body):
            raise invalid_frame("a hello that is cut short")
        taken = self._body[self._offset : end]
        self._offset = end
        return taken

    def take_byte(self) -> int:
        return self.take(1)[0]

    def take_uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def take_text(self) -> str:
        try:
            return self.take(self.take_byte()).decode()
        except UnicodeDecodeError:
            raise invalid_frame("a hello with a text that is no UTF-8") from None
