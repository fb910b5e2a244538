"""From the key agreement to the records of the native profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..native.agreement import NativeAgreement
from ..native.wire.key_schedule import HandshakeParts, derive_native_secrets, hash_transcript
from ..native.wire.record import RecordKeys, RecordReader, RecordWriter

if TYPE_CHECKING:
    from .key_agreement import KeyAgreement
    from .options import HandshakeOptions


def agree_on_native(
    side: Literal["client", "server"], keys: KeyAgreement | None, frame: bytes, options: HandshakeOptions
) -> NativeAgreement:
    """``keys`` are ``None`` if the connection is plain; ``frame`` is the maximum-size frame, as it was on the wire."""
    if keys is None:
        return NativeAgreement(False, RecordReader(), RecordWriter(), b"", None)
    crypto = options.crypto
    own, peers = keys.own_public_key, keys.peer_public_key
    server_key, client_key = (own, peers) if side == "server" else (peers, own)
    transcript = hash_transcript(HandshakeParts(server_key, client_key, frame), crypto)
    secrets = derive_native_secrets(keys.shared_secret, transcript, options.secret, crypto)
    client, server = RecordKeys(secrets.client, crypto), RecordKeys(secrets.server, crypto)
    written, read = (server, client) if side == "server" else (client, server)
    return NativeAgreement(True, RecordReader(read), RecordWriter(written), transcript, secrets.resumption_key)
