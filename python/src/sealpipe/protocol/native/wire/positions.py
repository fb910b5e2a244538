"""Positions as acknowledgements, hellos and proofs have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .frame import read_position

if TYPE_CHECKING:
    from .lanes import Positions

POSITION_BYTES = 8
"""The bytes of one position."""
POSITIONS_BYTES = 24
"""Those of the lanes that every end has, as a hello has them."""


def encode_positions(positions: Positions) -> bytes:
    return b"".join([position.to_bytes(POSITION_BYTES, "big") for position in positions])


def decode_positions(body: bytes, lanes: int = 3) -> Positions:
    """The caller has seen that there are as many. Raises a PeerError ``ERR_FRAME_INVALID`` for a number of 2^53 or
    more."""
    return tuple(read_position(body, POSITION_BYTES * lane) for lane in range(lanes))
