"""The server's side: hello, its key, the maximum size. It speaks first. Source: spec/protocol.md, "Handshake"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..classic.profile import ClassicProfile
from .handshake import HandshakeOptions, HandshakeStep, Opened, agree_on_records
from .messages import decode_answer, decode_confirmation, encode_hello, encode_maximum_size

if TYPE_CHECKING:
    from ..classic.record import RecordProtection
    from ..crypto_provider import KeyPair
    from ..receive_buffer import ReceiveBuffer
    from ..states import State


class ServerHandshake:
    def __init__(self, options: HandshakeOptions) -> None:
        self._options = options
        self._key_pair: KeyPair | None = None
        self._records: RecordProtection | None = None

    def start(self) -> bytes:
        return encode_hello(encrypted=self._options.encryption)

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        if state == "server-awaits-answer":
            return self._receive_answer(input)
        if self._key_pair is not None:
            return self._receive_client_key(input, self._key_pair)
        return self._receive_confirmation(input)

    def _receive_answer(self, input: ReceiveBuffer) -> HandshakeStep | None:
        if not decode_answer(input):
            return None
        if not self._options.encryption:
            return HandshakeStep("plain-acceptance", self._encode_maximum_size())
        # Not before the client has answered: a key pair costs what a silent peer must not get for free.
        self._key_pair = self._options.crypto.generate_key_pair()
        return HandshakeStep("encrypted-acceptance", self._key_pair.public_key)

    def _receive_client_key(self, input: ReceiveBuffer, key_pair: KeyPair) -> HandshakeStep | None:
        self._records = agree_on_records(input, key_pair, self._options.crypto)
        if self._records is None:
            return None
        self._key_pair = None
        return HandshakeStep("client-key", self._encode_maximum_size())

    def _receive_confirmation(self, input: ReceiveBuffer) -> HandshakeStep | None:
        if not decode_confirmation(input):
            return None
        max_message_bytes = self._options.max_message_bytes
        profile = ClassicProfile(max_message_bytes, self._records)
        return HandshakeStep("confirmation", opened=Opened(profile, peer_max_message_bytes=max_message_bytes))

    def _encode_maximum_size(self) -> bytes:
        return encode_maximum_size(self._options.max_message_bytes, self._records)
