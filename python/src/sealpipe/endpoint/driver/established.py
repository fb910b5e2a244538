"""The result of a client's connector and a server's acceptor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...protocol.engine_options import OpenEvent
    from ..reading.read_quota import ReadQuota
    from .engine_driver import EngineDriver


@dataclass(frozen=True)
class Established:
    """A connection whose handshake is over, and its driver."""

    event: OpenEvent
    driver: EngineDriver
    quota: ReadQuota
    """How much the application has yet to read of this connection's messages."""
