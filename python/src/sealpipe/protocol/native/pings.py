"""This end's pings and its answers to the peer's."""

from __future__ import annotations

from .wire.frame import FRAME_KINDS, encode_fields, invalid_frame, read_uint32

_MAX_WAITING_PONGS = 64
"""Max number of pongs that wait to be sent. A peer for which more would wait does not read them."""

_PING = FRAME_KINDS["ping"]
_PONG = FRAME_KINDS["pong"]


class Pings:
    """This end's pings and its answers to the peer's, on one connection. Source: spec/protocol.md, "Keepalive".

    Times are on the engine's clock."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        """Pings and pongs that wait to be sent."""
        self._count = 0
        self._pinged_at: float | None = None
        """When the last ping was made, until its answer arrives."""

    def take_frames(self) -> list[bytes]:
        frames, self.waiting = self.waiting, []
        return frames

    def ping(self, now: float) -> None:
        self._count = (self._count + 1) % 2**32
        self._pinged_at = now
        self.waiting.append(encode_fields(_PING, self._count))

    def receive_ping(self, body: bytes) -> None:
        token = _token_in(body)
        if len(self.waiting) >= _MAX_WAITING_PONGS:
            raise invalid_frame("pings whose answers it does not read")
        self.waiting.append(encode_fields(_PONG, token))

    def receive_pong(self, body: bytes, now: float) -> float | None:
        """How long the peer took to answer the last ping; ``None`` if this answers none. To the keepalive it
        matters only that something has arrived."""
        token = _token_in(body)
        if self._pinged_at is None or token != self._count:
            return None
        round_trip = now - self._pinged_at
        self._pinged_at = None
        return round_trip


def _token_in(body: bytes) -> int:
    if len(body) < 4:
        raise invalid_frame("a ping or pong that is too short")
    return read_uint32(body, 0)
