"""Payloads as the classic wire seals them. Source: spec/protocol.md, "Sealed payload"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import PeerError
from ..crypto_provider import AEAD_NONCE_BYTES, AEAD_TAG_BYTES

if TYPE_CHECKING:
    from ..crypto_provider import CryptoProvider

SEALED_OVERHEAD_BYTES = AEAD_NONCE_BYTES + AEAD_TAG_BYTES
"""What sealing adds to a payload: the nonce before it and the tag after it."""


class RecordProtection:
    """Nonce, ciphertext, tag.

    The nonce is random, payloads are not numbered and there is no additional data, so a process in the middle can
    replay, drop and reorder them."""

    def __init__(self, key: bytes, crypto: CryptoProvider) -> None:
        self._aead = crypto.create_aead(key)
        self._crypto = crypto
        self._payloads = 0
        """Payloads that were sealed under the key, by either end."""

    @property
    def is_spent(self) -> bool:
        """Whether the key has sealed as many payloads as it may.

        Both ends draw nonces for the one key, and each further nonce makes it likelier that two are the same."""
        return self._payloads >= self._crypto.random_nonces_per_key

    def seal(self, plaintext: bytes, nonce: bytes | None = None) -> tuple[bytes, bytes]:
        """The sealed payload in parts: the nonce; ciphertext and tag. ``nonce``: instead of a random one; the caller
        must never repeat it."""
        # The engine closes before that.
        if self.is_spent:
            raise RuntimeError("the key has sealed as many payloads as it may")
        self._payloads += 1
        nonce = nonce or self._crypto.random_bytes(AEAD_NONCE_BYTES)
        return nonce, self._aead.seal(nonce, plaintext)

    def open(self, payload: bytes) -> bytes:
        """Raises a PeerError ``ERR_DECRYPTION_FAILED`` if the tag is wrong. The length has been checked."""
        self._payloads += 1
        plaintext = self._aead.open(payload[:AEAD_NONCE_BYTES], payload[AEAD_NONCE_BYTES:])
        if plaintext is None:
            raise PeerError(
                "ERR_DECRYPTION_FAILED",
                "a sealed frame could not be opened: it was changed on its way, or the peer has another key",
            )
        return plaintext
