"""Why a request has no answer."""

from __future__ import annotations

from ...errors import PeerError


def session_lost(cause: BaseException | None = None) -> PeerError:
    """``cause``: why the peer ended the session, if known."""
    return PeerError(
        "ERR_SESSION_LOST",
        "the peer no longer has the session, so whether the request was handled cannot be known",
        cause,
    )


def not_connected() -> PeerError:
    return PeerError("ERR_NOT_CONNECTED", "there is no connection, over which a request could leave now")
