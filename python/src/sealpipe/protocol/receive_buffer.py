"""Chunks as they arrived, read as one run of bytes."""

from __future__ import annotations


class ReceiveBuffer:
    """Holds what has arrived and is not read yet, and nothing more: the length that a frame claims takes no
    memory."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def push(self, chunk: bytes) -> None:
        self._bytes += chunk

    def peek_uint32(self) -> int:
        """The next four bytes as a big-endian number, left in place. The caller has checked that they are there."""
        return int.from_bytes(self._bytes[:4], "big")

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. The caller has checked that they are there."""
        # Through a view, so that a large payload is copied only once. The view has to be gone before the buffer may
        # shrink.
        with memoryview(self._bytes) as view:
            taken = bytes(view[:count])
        self.skip(count)
        return taken

    def skip(self, count: int) -> None:
        """Drops the next ``count`` bytes. The caller has checked that they are there."""
        del self._bytes[:count]

    def clear(self) -> None:
        self._bytes = bytearray()
