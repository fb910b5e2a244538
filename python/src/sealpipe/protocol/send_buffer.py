"""Frames on their way out, arranged in writes."""

from __future__ import annotations

from collections import deque

BATCH_BYTES = 32_768
"""Frames that may share one write with others are gathered up to this size.

32 KiB is what Linux takes into a Unix socket as one piece: golang-ipc v1.0.0 reads a message body with a single read,
and so gets it whole.
"""

MAX_WRITE_BYTES = 262_144
"""A larger frame leaves in several writes, so that a slow peer's progress can be seen."""


class SendBuffer:
    """Small frames share a write, which has only whole frames; a large one has a write to itself."""

    def __init__(self) -> None:
        self._writes: deque[bytes] = deque()
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._length = 0

    def __len__(self) -> int:
        """Bytes that are not handed out yet."""
        return self._length

    def push(self, frame: bytes) -> None:
        """One whole frame."""
        self._length += len(frame)
        if self._batch_bytes + len(frame) > BATCH_BYTES:
            self._seal_batch()
        if len(frame) <= BATCH_BYTES:
            self._batch.append(frame)
            self._batch_bytes += len(frame)
            return
        for start in range(0, len(frame), MAX_WRITE_BYTES):
            self._writes.append(frame[start : start + MAX_WRITE_BYTES])

    def push_alone(self, part: bytes) -> None:
        """Bytes that must leave in a write of their own, such as a part of the handshake."""
        self._seal_batch()
        self._writes.append(part)
        self._length += len(part)

    def take(self) -> bytes:
        """The next write, or no bytes."""
        if not self._writes:
            if not self._batch:
                return b""
            self._seal_batch()
        write = self._writes.popleft()
        self._length -= len(write)
        return write

    def clear(self) -> None:
        self._writes.clear()
        self._batch = []
        self._batch_bytes = 0
        self._length = 0

    def _seal_batch(self) -> None:
        if not self._batch:
            return
        self._writes.append(b"".join(self._batch))
        self._batch = []
        self._batch_bytes = 0
