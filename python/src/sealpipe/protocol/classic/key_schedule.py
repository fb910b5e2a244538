"""The one key of both directions. Source: spec/protocol.md, "Key"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..crypto_provider import CryptoProvider


def derive_traffic_key(shared_secret: bytes, crypto: CryptoProvider) -> bytes:
    """SHA-256 of the shared point's X coordinate as a big integer's shortest bytes.

    The leading zero bytes that are dropped make no difference but in about one handshake of 256, and there they make
    all of it: keeping them gives a key that golang-ipc does not have.
    """
    return crypto.sha256(shared_secret.lstrip(b"\0"))
