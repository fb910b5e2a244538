"""The only code that calls the ``cryptography`` package, which is OpenSSL's cryptography."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .protocol.crypto_provider import PUBLIC_KEY_BYTES

_UNCOMPRESSED_POINT = 0x04


class P384KeyPair:
    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def derive_shared_secret(self, peer_public_key: bytes) -> bytes | None:
        # OpenSSL also accepts compressed points, which the wire does not have.
        if len(peer_public_key) != PUBLIC_KEY_BYTES or peer_public_key[0] != _UNCOMPRESSED_POINT:
            return None
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), peer_public_key)
        except ValueError:
            return None
        return self._private_key.exchange(ec.ECDH(), peer)


class AesGcm:
    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, nonce: bytes, plaintext: bytes, additional_data: bytes | None = None) -> bytes:
        return self._aead.encrypt(nonce, plaintext, additional_data)

    def open(self, nonce: bytes, sealed: bytes | memoryview, additional_data: bytes | None = None) -> bytes | None:
        try:
            return self._aead.decrypt(nonce, sealed, additional_data)
        except InvalidTag:
            return None


class SystemCrypto:
    """The engines' cryptography. Python cannot overwrite ``bytes``: keys stay in memory until that is reused."""

    # NIST SP 800-38D, 8.3.
    random_nonces_per_key = 2**32

    def generate_key_pair(self) -> P384KeyPair:
        return P384KeyPair(ec.generate_private_key(ec.SECP384R1()))

    def sha256(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def hmac_sha256(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, "sha256")

    def create_aead(self, key: bytes) -> AesGcm:
        return AesGcm(key)

    def random_bytes(self, length: int) -> bytes:
        return os.urandom(length)


SYSTEM_CRYPTO = SystemCrypto()
