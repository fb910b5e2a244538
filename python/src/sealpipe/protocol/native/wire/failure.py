"""The content of a failure. Source: spec/protocol.md, "Requests"."""

from __future__ import annotations

from ...utf8 import cut_utf8, encode_utf8
from .frame import MAX_BODY_BYTES, invalid_frame

MAX_FAILURE_DATA_BYTES = 65_536
"""Max bytes of a failure's data: with its code and message they have to fit into one frame."""

_CODE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def is_failure_code(code: object) -> bool:
    return isinstance(code, str) and 1 <= len(code) <= 64 and _CODE_CHARACTERS.issuperset(code)


def encode_code(code: str) -> bytes:
    """A code of at most 64 ASCII characters, after its length."""
    return bytes((len(code),)) + code.encode()


def encode_failure(code: str, message: str, data: bytes | None = None) -> bytes:
    """A code, and as much of the message as fits into a frame with it and the data, if there are any."""
    start = encode_code(code)
    text = encode_utf8(message)
    if data is None:
        return start + cut_utf8(text, MAX_BODY_BYTES - 128)
    text = cut_utf8(text, min(0xFFFF, MAX_BODY_BYTES - 128 - len(data)))
    return b"".join((start, len(text).to_bytes(2, "big"), text, data))


def decode_failure(body: bytes) -> tuple[str, str]:
    """The code and the message in the body of a frame that has an id, a code and a message.

    Raises a PeerError ``ERR_FRAME_INVALID``."""
    code, end = _decode_code(body)
    return code, body[end:].decode("utf-8", "replace")


def decode_failure_with_data(body: bytes) -> tuple[str, str, bytes]:
    """The same with the data, after a message whose length is given. Raises a PeerError ``ERR_FRAME_INVALID``."""
    code, end = _decode_code(body)
    message_start = end + 2
    message_end = message_start + int.from_bytes(body[end:message_start], "big")
    if message_end > len(body):
        raise invalid_frame("a failure whose message is cut short")
    return code, body[message_start:message_end].decode("utf-8", "replace"), body[message_end:]


def _decode_code(body: bytes) -> tuple[str, int]:
    end = 5 + body[4]
    code = body[5:end].decode("latin-1")
    if end > len(body) or not is_failure_code(code):
        raise invalid_frame("a failure without a code")
    return code, end
