"""What an engine holds its peer to. Source: spec/protocol.md, "Limits". Times are in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineLimits:
    """Sizes are checked before memory is taken for what a header claims."""

    max_message_bytes: int = 3_145_728
    """Largest ``data`` of a message, either way."""
    handshake_timeout: float = 5.0
    """From the first byte that could have come until the engine is open."""
    frame_timeout: float = 30.0
    """From a frame's first byte to its last."""
    close_timeout: float = 5.0
    """How long an orderly close waits for the peer to take each tenth of what was to be sent."""


MAX_MAX_MESSAGE_BYTES = 1_073_741_824
"""The largest ``max_message_bytes`` that can be asked for: 1 GiB. AES-256-GCM calls take less than 2 GiB at once."""

MAX_MAXIMUM_SIZE_FRAME_BYTES = 256
"""The largest payload of the maximum-size frame. It needs 4 bytes, or 32 sealed; peers ignore what follows them."""

HANDSHAKE_GRACE = 1.0
"""How long a close in the middle of the handshake waits for that to be over, where ``close_timeout`` is not shorter."""

END_GRACE = 0.25
"""How long a close waits, once everything has left, for the peer to end its side.

golang-ipc v1.0.0's server never ends it.
"""

SETTLE_AFTER_OPEN = 0.02
"""How long after the handshake a client may end the connection at the earliest.

A golang-ipc server whose client is gone in the instant in which it confirms takes itself for connected, and ignores
everyone, for ever.
"""
