"""From an encrypted handshake to the keys of both directions. Source: spec/protocol.md, "Native key schedule"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...crypto_provider import AEAD_NONCE_BYTES
from .positions import encode_positions

if TYPE_CHECKING:
    from ...crypto_provider import CryptoProvider
    from .lanes import Positions

_PROTOCOL_LABEL = b"sealpipe native 1"
_ENCRYPTED_HELLO = b"\2\1"
_ACCEPTANCE = b"\0"
_NATIVE_CONFIRMATION = b"\1"


@dataclass(frozen=True)
class HandshakeParts:
    """The parts of an encrypted handshake that both ends have seen."""

    server_public_key: bytes
    client_public_key: bytes
    maximum_size_frame: bytes
    """The whole frame, as it was on the wire."""


@dataclass(frozen=True)
class NativeSecrets:
    """The secrets that protect the records of one connection, and the resumption of its session."""

    client: bytes
    """The first traffic secret from client to server."""
    server: bytes
    """The first traffic secret from server to client."""
    resumption_key: bytes


def native_nonce(server_public_key: bytes, client_public_key: bytes, crypto: CryptoProvider) -> bytes:
    """The nonce by which a server shows in its maximum-size frame that it speaks native."""
    digest = crypto.sha256(b"".join((_PROTOCOL_LABEL, server_public_key, client_public_key)))
    return digest[:AEAD_NONCE_BYTES]


def hash_transcript(parts: HandshakeParts, crypto: CryptoProvider) -> bytes:
    """T: the hash of an encrypted handshake that goes on natively."""
    return crypto.sha256(
        b"".join(
            (
                _ENCRYPTED_HELLO,
                _ACCEPTANCE,
                parts.server_public_key,
                parts.client_public_key,
                parts.maximum_size_frame,
                _NATIVE_CONFIRMATION,
            )
        )
    )


def derive_native_secrets(
    shared_secret: bytes, transcript: bytes, secret: bytes | None, crypto: CryptoProvider
) -> NativeSecrets:
    early = crypto.hmac_sha256(_PROTOCOL_LABEL, b"\0" if secret is None else b"\1" + secret)
    master = crypto.hmac_sha256(early, shared_secret)
    return NativeSecrets(
        client=_expand(master, b"client" + transcript, crypto),
        server=_expand(master, b"server" + transcript, crypto),
        resumption_key=_expand(master, b"resumption" + transcript, crypto),
    )


def derive_traffic_keys(traffic_secret: bytes, crypto: CryptoProvider) -> tuple[bytes, bytes]:
    """One direction's key and IV under a traffic secret."""
    return _expand(traffic_secret, b"key", crypto), _expand(traffic_secret, b"iv", crypto)[:AEAD_NONCE_BYTES]


def next_traffic_secret(traffic_secret: bytes, crypto: CryptoProvider) -> bytes:
    return _expand(traffic_secret, b"next", crypto)


@dataclass(frozen=True)
class ProofParts:
    resumption_key: bytes
    transcript: bytes
    """Of the new connection; empty if that is plain."""
    session_id: bytes
    received: Positions
    """How far the side that proves has received."""


def resumption_proof(side: Literal["client", "server"], parts: ProofParts, crypto: CryptoProvider) -> bytes:
    """Proves that a side took part in the session. Compare it in constant time. Source: spec/protocol.md, "Resume"."""
    content = (side.encode(), parts.transcript, parts.session_id, encode_positions(parts.received))
    return crypto.hmac_sha256(parts.resumption_key, b"".join(content))


def _expand(key: bytes, info: bytes, crypto: CryptoProvider) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3) to one block of 32 bytes; nothing here needs more."""
    return crypto.hmac_sha256(key, info + b"\1")
