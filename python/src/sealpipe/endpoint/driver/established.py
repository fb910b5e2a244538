"""The result of a client's connector and a server's acceptor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...protocol.engine_options import OpenEvent
    from ..reading.read_quota import ReadQuota
    from .driver_handler import ConnectionEvents
    from .engine_driver import EngineDriver


@dataclass(frozen=True)
class Established:
    """A connection whose handshake is over, and its driver."""

    event: OpenEvent
    driver: EngineDriver
    quota: ReadQuota
    """How much the application has yet to read of this connection's messages."""


TakeOver = Callable[[Established], "ConnectionEvents"]
"""Takes a client's connection over. Called when it is established, before its first message."""
