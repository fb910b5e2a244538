"""The result of the key agreement, before it is settled which profile both ends speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import PeerError
from ..classic.key_schedule import derive_traffic_key
from ..classic.record import RecordProtection
from ..crypto_provider import PUBLIC_KEY_BYTES

if TYPE_CHECKING:
    from ..crypto_provider import CryptoProvider, KeyPair
    from ..receive_buffer import ReceiveBuffer


@dataclass(frozen=True)
class KeyAgreement:
    records: RecordProtection
    """For the classic profile."""
    own_public_key: bytes
    peer_public_key: bytes
    shared_secret: bytes


def agree_on_keys(input: ReceiveBuffer, key_pair: KeyPair, crypto: CryptoProvider) -> KeyAgreement | None:
    """The agreement, once all of the peer's public key is there. Raises a PeerError ``ERR_INVALID_PUBLIC_KEY``."""
    if len(input) < PUBLIC_KEY_BYTES:
        return None
    peer_public_key = input.take(PUBLIC_KEY_BYTES)
    if peer_public_key == key_pair.public_key:
        raise PeerError("ERR_INVALID_PUBLIC_KEY", "the peer sent our own public key back")
    shared_secret = key_pair.derive_shared_secret(peer_public_key)
    if shared_secret is None:
        raise PeerError(
            "ERR_INVALID_PUBLIC_KEY", "the peer's public key is not an uncompressed point on the curve P-384"
        )
    records = RecordProtection(derive_traffic_key(shared_secret, crypto), crypto)
    return KeyAgreement(records, key_pair.public_key, peer_public_key, shared_secret)
