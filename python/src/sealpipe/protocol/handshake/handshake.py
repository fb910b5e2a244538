"""What both sides of the handshake have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...errors import PeerError
from ..classic.key_schedule import derive_traffic_key
from ..classic.record import RecordProtection
from ..crypto_provider import PUBLIC_KEY_BYTES, CryptoProvider, KeyPair

if TYPE_CHECKING:
    from ..profile import Profile
    from ..receive_buffer import ReceiveBuffer
    from ..states import Input, State


@dataclass(frozen=True)
class HandshakeOptions:
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists; one that does not follows the server."""
    max_message_bytes: int
    crypto: CryptoProvider


@dataclass(frozen=True)
class Opened:
    profile: Profile
    peer_max_message_bytes: int
    """Largest ``data`` that the peer takes, so far as it says."""


@dataclass(frozen=True)
class HandshakeStep:
    """One step of the handshake: what arrived, as an input of the engine's table, and what to answer."""

    input: Input
    output: bytes = b""
    """A part to send, in a write of its own."""
    opened: Opened | None = None
    """With the last step: how to go on."""


class Handshake(Protocol):
    """One side of the handshake."""

    def start(self) -> bytes:
        """What to send before anything has arrived."""

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        """The next step in ``state``, or ``None`` until enough has arrived.

        Raises a PeerError, or a HandshakeFailure where there are last bytes worth sending.
        """


class HandshakeFailure(Exception):
    """The peer's fault, and the last bytes worth sending for it."""

    def __init__(self, error: PeerError, last_words: bytes) -> None:
        super().__init__(error.message)
        self.error = error
        self.last_words = last_words


def agree_on_records(input: ReceiveBuffer, key_pair: KeyPair, crypto: CryptoProvider) -> RecordProtection | None:
    """What the peer's public key leads to, once all of it is there."""
    if len(input) < PUBLIC_KEY_BYTES:
        return None
    peer_public_key = input.take(PUBLIC_KEY_BYTES)
    if peer_public_key == key_pair.public_key:
        raise PeerError("ERR_INVALID_PUBLIC_KEY", "the peer sent our own public key back")
    shared_secret = key_pair.derive_shared_secret(peer_public_key)
    if shared_secret is None:
        raise PeerError("ERR_INVALID_PUBLIC_KEY", "the peer's public key is no uncompressed point on the curve P-384")
    return RecordProtection(derive_traffic_key(shared_secret, crypto), crypto)
