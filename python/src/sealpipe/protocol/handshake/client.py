"""The client's side: its answer, its key, the confirmation. Source: spec/protocol.md, "Handshake"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import PeerError
from ..classic.profile import ClassicProfile
from .handshake import HandshakeFailure, HandshakeOptions, HandshakeStep, Opened, agree_on_records
from .messages import (
    PROTOCOL_VERSION,
    Answer,
    Hello,
    decode_hello,
    decode_maximum_size,
    encode_answer,
    encode_confirmation,
)

if TYPE_CHECKING:
    from ..classic.record import RecordProtection
    from ..crypto_provider import KeyPair
    from ..receive_buffer import ReceiveBuffer
    from ..states import State


class ClientHandshake:
    def __init__(self, options: HandshakeOptions) -> None:
        self._options = options
        self._key_pair: KeyPair | None = None
        self._records: RecordProtection | None = None

    def start(self) -> bytes:
        return b""

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
        if self._options.encryption and not hello.encrypted:
            error = PeerError(
                "ERR_ENCRYPTION_REQUIRED",
                "this client insists on encryption and the server has it off",
            )
            raise HandshakeFailure(error, encode_answer(Answer.ENCRYPTION_REQUIRED))
        if not hello.encrypted:
            return HandshakeStep("plain-hello", encode_answer(Answer.ACCEPTED))
        self._key_pair = self._options.crypto.generate_key_pair()
        return HandshakeStep("encrypted-hello", encode_answer(Answer.ACCEPTED))

    def _receive_server_key(self, input: ReceiveBuffer, key_pair: KeyPair) -> HandshakeStep | None:
        self._records = agree_on_records(input, key_pair, self._options.crypto)
        if self._records is None:
            return None
        self._key_pair = None
        return HandshakeStep("server-key", key_pair.public_key)

    def _receive_maximum_size(self, input: ReceiveBuffer) -> HandshakeStep | None:
        peer_maximum = decode_maximum_size(input, self._records)
        if peer_maximum is None:
            return None
        max_message_bytes = self._options.max_message_bytes
        profile = ClassicProfile(max_message_bytes, self._records)
        return HandshakeStep(
            "maximum-size",
            encode_confirmation(),
            Opened(profile, peer_max_message_bytes=peer_maximum),
        )


def _decode_hello_or_refuse(input: ReceiveBuffer) -> Hello | None:
    try:
        return decode_hello(input)
    except PeerError as error:
        raise HandshakeFailure(error, encode_answer(Answer.FAILED)) from error
