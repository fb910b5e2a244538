"""Data of an application: an answer, or an item of a stream. A message does the same by itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, unsafe_hash=True)
class Payload:
    """Bytes that arrived. Do not change it: frozen it would cost more than all else that is done with it."""

    data: bytes

    @property
    def text(self) -> str:
        """``data`` as UTF-8 text, with the byte order mark, if there is one. Bytes that are not UTF-8 become
        U+FFFD."""
        return self.data.decode("utf-8", "replace")
