"""What a golang-ipc peer puts on the wire, made with nothing of the library's own: the tests' second opinion."""

from __future__ import annotations

import hashlib
import itertools

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SERVER_PRIVATE_KEY = bytes([0x11]) * 48
CLIENT_PRIVATE_KEY = bytes([0x22]) * 48


def private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP384R1())


def public_key_of(scalar: bytes) -> bytes:
    return private_key(scalar).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


SERVER_PUBLIC_KEY = public_key_of(SERVER_PRIVATE_KEY)
CLIENT_PUBLIC_KEY = public_key_of(CLIENT_PRIVATE_KEY)


def go_traffic_key(scalar: bytes, peer_public_key: bytes) -> bytes:
    """SHA-256 of the shared point's X coordinate as Go's ``big.Int.Bytes`` has it."""
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), peer_public_key)
    x = int.from_bytes(private_key(scalar).exchange(ec.ECDH(), peer), "big")
    return hashlib.sha256(x.to_bytes((x.bit_length() + 7) // 8, "big")).digest()


def uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def frame(*payload: bytes) -> bytes:
    joined = b"".join(payload)
    return uint32(len(joined)) + joined


def pattern(count: int, seed: int = 0) -> bytes:
    """Bytes no two neighbours of which are alike, as the Go peers make them."""
    # They come again after so many, which makes a hundred megabytes in a moment.
    period = bytes((i * 31 + seed * 17 + (i >> 8) * 7) & 255 for i in range(min(count, 65_536)))
    return (period * (count // 65_536 + 1))[:count]


class Wire:
    """How a peer writes its frames: in the clear, or sealed."""

    def __init__(self, key: bytes | None) -> None:
        self.encrypted = key is not None
        self._aead = None if key is None else AESGCM(key)
        self._nonces = itertools.count(1)

    def payload(self, plaintext: bytes) -> bytes:
        if self._aead is None:
            return frame(plaintext)
        nonce = bytes([0xEE]) * 8 + uint32(next(self._nonces))
        return frame(nonce, self._aead.encrypt(nonce, plaintext, None))

    def message(self, type: int, data: bytes) -> bytes:
        return self.payload(uint32(type) + data)

    def maximum_size(self, size: int, further: bytes = b"") -> bytes:
        return self.payload(uint32(size) + further)


TRAFFIC_KEY = go_traffic_key(SERVER_PRIVATE_KEY, CLIENT_PUBLIC_KEY)
PLAIN_WIRE = Wire(None)
SEALED_WIRE = Wire(TRAFFIC_KEY)


def wire_for(encrypted: bool) -> Wire:
    return SEALED_WIRE if encrypted else PLAIN_WIRE


def server_handshake(encrypted: bool, maximum: int = 3_145_728) -> bytes:
    """All that a client hears in a handshake."""
    hello = bytes([2, encrypted])
    return hello + (SERVER_PUBLIC_KEY if encrypted else b"") + wire_for(encrypted).maximum_size(maximum)


def client_handshake(encrypted: bool) -> bytes:
    """All that a server hears in a handshake."""
    return b"\0" + (CLIENT_PUBLIC_KEY if encrypted else b"") + b"\0"
