"""The errors of an engine for ends and timeouts."""

from __future__ import annotations

from ..errors import PeerError


def connection_lost(where: str, cause: BaseException | None) -> PeerError:
    return PeerError("ERR_CONNECTION_LOST", f"the connection to the peer was lost {where}".rstrip(), cause)


def key_exhausted() -> PeerError:
    return PeerError(
        "ERR_KEY_EXHAUSTED",
        "the connection's key has sealed as many messages as it may: a new connection has a new key",
    )


def body_timeout(seconds: float) -> PeerError:
    return PeerError(
        "ERR_FRAME_TIMEOUT",
        "the peer began a large message and sent too little of it:"
        f" not a tenth in {seconds:g} s, or not all in ten times that",
    )


def frame_timeout(seconds: float) -> PeerError:
    return PeerError("ERR_FRAME_TIMEOUT", f"the peer began a frame and did not complete it within {seconds:g} s")


def close_timeout(seconds: float) -> PeerError:
    return PeerError(
        "ERR_CLOSE_TIMEOUT",
        "after the close the peer accepted too little of what was still to be sent:"
        f" not a tenth in {seconds:g} s, or not all in ten times that",
    )


def close_in_handshake_timeout(seconds: float) -> PeerError:
    return PeerError(
        "ERR_CLOSE_TIMEOUT", f"the handshake that was under way at the close was not over within {seconds:g} s"
    )


def handshake_timeout(seconds: float) -> PeerError:
    return PeerError("ERR_HANDSHAKE_TIMEOUT", f"the handshake was not over within {seconds:g} s")
