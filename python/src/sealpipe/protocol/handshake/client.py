"""The client's side: its answer, its key, the confirmation. Source: spec/protocol.md, "Handshake"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import PeerError
from ..classic.profile import ClassicProfile
from ..handshake_failure import HandshakeFailure
from ..native.wire.key_schedule import native_nonce
from .handshake import HandshakeStep, Opened
from .key_agreement import KeyAgreement, agree_on_keys
from .messages import (
    PROTOCOL_VERSION,
    Answer,
    Hello,
    MaximumSize,
    decode_hello,
    decode_maximum_size,
    encode_answer,
    encode_confirmation,
    says_native,
)
from .native_agreement import agree_on_native

if TYPE_CHECKING:
    from ..crypto_provider import KeyPair
    from ..receive_buffer import ReceiveBuffer
    from ..states import State
    from .options import HandshakeOptions


class ClientHandshake:
    def __init__(self, options: HandshakeOptions) -> None:
        self._options = options
        self._key_pair: KeyPair | None = None
        self._keys: KeyAgreement | None = None

    def start(self) -> tuple[bytes, ...]:
        return ()

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        if state == "client-awaits-hello":
            return self._receive_hello(input)
        if self._key_pair is not None:
            return self._receive_server_key(input, self._key_pair)
        return self._receive_maximum_size(input)

    def _receive_hello(self, input: ReceiveBuffer) -> HandshakeStep | None:
        hello = _decode_hello_or_refuse(input)
        if hello is None:
            return None
        if hello.version != PROTOCOL_VERSION:
            error = PeerError(
                "ERR_VERSION_MISMATCH",
                f"the server speaks protocol version {hello.version}, this client {PROTOCOL_VERSION}",
            )
            raise HandshakeFailure(error, encode_answer(Answer.OTHER_VERSION))
        if self._options.demands_encryption and not hello.encrypted:
            error = PeerError(
                "ERR_ENCRYPTION_REQUIRED",
                "this client insists on encryption and the server has it off",
            )
            raise HandshakeFailure(error, encode_answer(Answer.ENCRYPTION_REQUIRED))
        output = (encode_answer(Answer.ACCEPTED),)
        if not hello.encrypted:
            return HandshakeStep("plain-hello", output)
        self._key_pair = self._options.crypto.generate_key_pair()
        return HandshakeStep("encrypted-hello", output)

    def _receive_server_key(self, input: ReceiveBuffer, key_pair: KeyPair) -> HandshakeStep | None:
        self._keys = agree_on_keys(input, key_pair, self._options.crypto)
        if self._keys is None:
            return None
        self._key_pair = None
        return HandshakeStep("server-key", (key_pair.public_key,))

    def _receive_maximum_size(self, input: ReceiveBuffer) -> HandshakeStep | None:
        records = None if self._keys is None else self._keys.records
        maximum_size = decode_maximum_size(input, records)
        if maximum_size is None:
            return None
        if self._options.offers_native and self._is_from_native(maximum_size):
            agreement = agree_on_native("client", self._keys, maximum_size.frame, self._options)
            return HandshakeStep("native-maximum-size", (encode_confirmation("native"),), native=agreement)
        profile = ClassicProfile(self._options.max_message_bytes, maximum_size.max_message_bytes, records)
        refused = None
        if self._options.demands_native:
            refused = PeerError(
                "ERR_PEER_NOT_NATIVE",
                "the server does not speak sealpipe's native profile, on which this client insists",
            )
        return HandshakeStep("maximum-size", (encode_confirmation("classic"),), Opened(profile, refused=refused))

    def _is_from_native(self, maximum_size: MaximumSize) -> bool:
        if self._keys is None:
            return says_native(maximum_size)
        nonce = native_nonce(self._keys.peer_public_key, self._keys.own_public_key, self._options.crypto)
        return says_native(maximum_size, nonce)


def _decode_hello_or_refuse(input: ReceiveBuffer) -> Hello | None:
    try:
        return decode_hello(input)
    except PeerError as error:
        raise HandshakeFailure(error, encode_answer(Answer.FAILED)) from error
