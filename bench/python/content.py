"""What the messages hold, byte for byte as in process/content.ts."""

from __future__ import annotations

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_RING_LENGTH = 61
_LARGE_RING_LENGTH = 7
_LARGE_BYTES = 262_144


class Content:
    def __init__(self, size: int) -> None:
        self.bytes = size
        length = _LARGE_RING_LENGTH if size >= _LARGE_BYTES else _RING_LENGTH
        self._ring = [_make_body(index, size) for index in range(length)]

    def at(self, number: int) -> bytes:
        return self._ring[number % len(self._ring)]

    def verify(self, number: int, body: bytes, check: str) -> None:
        """Raises a ValueError if ``body`` is not message ``number``."""
        expected = self._ring[number % len(self._ring)]
        if check == "all":
            same = body == expected
        else:
            same = len(body) == len(expected) and body[0] == expected[0] and body[-1] == expected[-1]
        if not same:
            raise ValueError(f"message {number} of {self.bytes} bytes arrived with other contents")


_BLOCKS = [bytes(_ALPHABET[(start + at * 7) & 63] for at in range(256)) for start in range(64)]


def _make_body(index: int, size: int) -> bytes:
    """The byte at ``at`` is the letter ``index * 31 + at * 7 + (at >> 8)``, which repeats within each 256 bytes."""
    blocks = (_BLOCKS[(index * 31 + number) & 63] for number in range((size + 255) // 256))
    return b"".join(blocks)[:size]
