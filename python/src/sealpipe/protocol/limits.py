"""The limits that an engine enforces on its peer. Source: spec/protocol.md, "Limits". Times are in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineLimits:
    """Sizes are checked before memory is allocated for what a header claims."""

    max_message_bytes: int = 3_145_728
    """Largest ``data`` of a message, either way."""
    handshake_timeout: float = 5.0
    """From the engine's start until it is open."""
    frame_timeout: float = 30.0
    """From a frame's first byte to its last."""
    close_timeout: float = 5.0
    """How long an orderly close waits for the peer to accept each tenth of what is to be sent."""


MAX_SECRET_BYTES = 1_024
"""The largest secret that two ends can share. Source: spec/protocol.md, "Native key schedule"."""

MAX_MAX_MESSAGE_BYTES = 1_073_741_824
"""The largest allowed ``max_message_bytes``: 1 GiB. One call of AES-256-GCM takes less than 2 GiB."""

MAX_MAXIMUM_SIZE_FRAME_BYTES = 256
"""The largest payload of the maximum-size frame. It needs 4 bytes, or 32 sealed; peers ignore what follows them."""

HANDSHAKE_GRACE = 1.0
"""How long a close during the handshake waits for that to end, if ``close_timeout`` is not shorter."""

END_GRACE = 0.25
"""How long a close waits, once everything has left, for the peer to end its side.

golang-ipc v1.0.0's server never ends its side. """

SETTLE_AFTER_OPEN = 0.02
"""How soon after the handshake a client may end the connection.

If a client leaves right after its confirmation, a golang-ipc server considers itself connected for ever, and ignores
all other clients. """
