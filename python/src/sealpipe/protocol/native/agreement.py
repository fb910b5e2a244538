"""The result of a handshake that ends in the native profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .wire.record import RecordReader, RecordWriter


@dataclass(frozen=True)
class NativeAgreement:
    """Everything that the hellos, and then the session, need."""

    encrypted: bool
    reader: RecordReader
    writer: RecordWriter
    transcript: bytes
    """T; empty if the connection is plain."""
    resumption_key: bytes | None
    """``None`` if the connection is plain."""
