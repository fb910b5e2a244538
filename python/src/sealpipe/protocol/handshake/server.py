"""The server's side: hello, its key, the maximum size. It sends first. Source: spec/protocol.md, "Handshake"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import PeerError
from ..classic.profile import ClassicProfile
from ..crypto_provider import PUBLIC_KEY_BYTES
from ..native.wire.key_schedule import native_nonce
from .handshake import HandshakeStep, Opened
from .key_agreement import KeyAgreement, agree_on_keys
from .messages import (
    CONFIRMATIONS,
    NATIVE_MAGIC,
    Answer,
    decode_answer,
    decode_confirmation,
    encode_hello,
    encode_maximum_size,
)
from .native_agreement import agree_on_native

if TYPE_CHECKING:
    from ..classic.record import RecordProtection
    from ..crypto_provider import KeyPair
    from ..receive_buffer import ReceiveBuffer
    from ..states import State
    from .options import HandshakeOptions


class ServerHandshake:
    def __init__(self, options: HandshakeOptions) -> None:
        self._options = options
        self._key_pair: KeyPair | None = None
        self._keys: KeyAgreement | None = None
        self._maximum_size_frame = b""

    def start(self) -> tuple[bytes, ...]:
        return (encode_hello(encrypted=self._options.demands_encryption),)

    def is_costly(self, state: State, input: ReceiveBuffer) -> bool:
        """Whether everything for the next step in ``state`` has arrived, and the step costs much more than it cost the
        peer."""
        if state == "server-awaits-answer":
            return self._options.demands_encryption and input.first_byte == Answer.ACCEPTED
        if self._key_pair is not None:
            return len(input) >= PUBLIC_KEY_BYTES
        # What follows: deriving native's secrets and keys, both hellos, and a session.
        is_native = self._options.offers_native and input.first_byte == CONFIRMATIONS["native"]
        return self._keys is not None and is_native

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        if state == "server-awaits-answer":
            return self._receive_answer(input)
        if self._key_pair is not None:
            return self._receive_client_key(input, self._key_pair)
        return self._receive_confirmation(input)

    def _receive_answer(self, input: ReceiveBuffer) -> HandshakeStep | None:
        if not decode_answer(input):
            return None
        if not self._options.demands_encryption:
            sign = NATIVE_MAGIC if self._options.offers_native else None
            return HandshakeStep("plain-acceptance", (self._encode_maximum_size(sign),))
        # Not before the client has answered: a silent peer must not cause the cost of a key pair for free.
        self._key_pair = self._options.crypto.generate_key_pair()
        return HandshakeStep("encrypted-acceptance", (self._key_pair.public_key,))

    def _receive_client_key(self, input: ReceiveBuffer, key_pair: KeyPair) -> HandshakeStep | None:
        crypto = self._options.crypto
        keys = agree_on_keys(input, key_pair, crypto)
        if keys is None:
            return None
        self._key_pair = None
        self._keys = keys
        sign = None
        if self._options.offers_native:
            sign = native_nonce(keys.own_public_key, keys.peer_public_key, crypto)
        return HandshakeStep("client-key", (self._encode_maximum_size(sign),))

    def _receive_confirmation(self, input: ReceiveBuffer) -> HandshakeStep | None:
        wanted = decode_confirmation(input)
        if wanted is None:
            return None
        if wanted == "native" and self._options.offers_native:
            agreement = agree_on_native("server", self._keys, self._maximum_size_frame, self._options)
            return HandshakeStep("native-confirmation", native=agreement)
        # What the client takes, it does not say.
        max_message_bytes = self._options.max_message_bytes
        profile = ClassicProfile(max_message_bytes, max_message_bytes, self._records)
        refused = None
        if self._options.demands_native:
            refused = PeerError(
                "ERR_PEER_NOT_NATIVE",
                "the client does not speak sealpipe's native profile, on which this server insists",
            )
        return HandshakeStep("confirmation", opened=Opened(profile, refused=refused))

    @property
    def _records(self) -> RecordProtection | None:
        return None if self._keys is None else self._keys.records

    def _encode_maximum_size(self, sign: bytes | None) -> bytes:
        self._maximum_size_frame = encode_maximum_size(self._options.max_message_bytes, self._records, sign)
        return self._maximum_size_frame
