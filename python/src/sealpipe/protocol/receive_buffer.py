"""Chunks as they arrived, read as one run of bytes."""

from __future__ import annotations


class ReceiveBuffer:
    """Holds what has arrived, and nothing more: the length that a frame claims takes no memory."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._read = 0
        """The length of what is read: it is dropped at once if that is all, otherwise before more is added."""

    def __len__(self) -> int:
        return len(self._bytes) - self._read

    @property
    def first_byte(self) -> int | None:
        """The next byte, left in place, if there is one."""
        return self._bytes[self._read] if len(self) else None

    def push(self, chunk: bytes | memoryview) -> None:
        """Copies the chunk."""
        if self._read:
            del self._bytes[: self._read]
            self._read = 0
        self._bytes += chunk

    def peek_uint32(self) -> int:
        """The next four bytes as a big-endian number, left in place. The caller has checked that they are there."""
        return int.from_bytes(self._bytes[self._read : self._read + 4], "big")

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. The caller has checked that they are there."""
        with self.view(count) as view:
            taken = bytes(view)
        self.skip(count)
        return taken

    def view(self, count: int) -> memoryview:
        """The next ``count`` bytes, left in place. It must be released before the buffer is used again."""
        with memoryview(self._bytes) as view:
            return view[self._read : self._read + count]

    def skip(self, count: int) -> None:
        """Drops the next ``count`` bytes. The caller has checked that they are there."""
        self._read += count
        if self._read == len(self._bytes):
            self.clear()

    def clear(self) -> None:
        self._bytes = bytearray()
        self._read = 0
