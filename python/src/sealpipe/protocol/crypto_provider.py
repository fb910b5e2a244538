"""The cryptography that an engine needs, passed in so that tests can fix every key and nonce."""

from __future__ import annotations

from typing import Protocol

PUBLIC_KEY_BYTES = 97
AEAD_NONCE_BYTES = 12
AEAD_TAG_BYTES = 16


class KeyPair(Protocol):
    @property
    def public_key(self) -> bytes:
        """An uncompressed point (SEC 1, 2.3.3): ``04``, X, Y; 97 bytes."""
        ...

    def derive_shared_secret(self, peer_public_key: bytes) -> bytes | None:
        """The X coordinate of the shared point, all 48 bytes of it.

        ``None`` if the peer's bytes are not an uncompressed point on the curve."""


class Aead(Protocol):
    """Authenticated encryption as in RFC 5116, with a 12-byte nonce and a 16-byte tag."""

    def seal(self, nonce: bytes, plaintext: bytes, additional_data: bytes | None = None) -> bytes:
        """Ciphertext and tag. The caller must never repeat a nonce under one key."""
        ...

    def open(self, nonce: bytes, sealed: bytes | memoryview, additional_data: bytes | None = None) -> bytes | None:
        """The plaintext, or ``None`` if the tag is wrong. ``sealed`` is ciphertext and tag."""


class CryptoProvider(Protocol):
    @property
    def random_nonces_per_key(self) -> int:
        """Most payloads for which all holders of one key together may draw random nonces."""
        ...

    def generate_key_pair(self) -> KeyPair:
        """A fresh P-384 key pair for one handshake."""
        ...

    def sha256(self, data: bytes) -> bytes: ...

    def hmac_sha256(self, key: bytes, data: bytes) -> bytes: ...

    def create_aead(self, key: bytes) -> Aead:
        """AES-256-GCM under a 32-byte key."""
        ...

    def random_bytes(self, length: int) -> bytes:
        """Unpredictable bytes."""
        ...
