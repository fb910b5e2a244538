"""Runs of frames, sealed and numbered. Source: spec/protocol.md, "Native record"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....errors import PeerError
from ...crypto_provider import AEAD_NONCE_BYTES, AEAD_TAG_BYTES
from ...length_prefix import FrameBounds, read_length
from .frame import FRAME_HEADER_BYTES, MAX_RECORD_BYTES
from .key_schedule import derive_traffic_keys, next_traffic_secret

if TYPE_CHECKING:
    from ...crypto_provider import CryptoProvider
    from ...receive_buffer import ReceiveBuffer

RECORDS_PER_KEY = 524_288
"""How many records each direction seals under one key. Source: spec/protocol.md, "Native key schedule"."""


class RecordKeys:
    """One direction's key, and the number of its next record."""

    def __init__(self, traffic_secret: bytes, crypto: CryptoProvider, change_key_after: int = RECORDS_PER_KEY) -> None:
        self._crypto = crypto
        self._change_key_after = change_key_after
        self._number = 0
        self._use(traffic_secret)

    def seal(self, frames: bytes, header: bytes) -> bytes:
        nonce = self._next_nonce()
        return self._aead.seal(nonce, frames, header)

    def open(self, payload: bytes | memoryview, header: bytes) -> bytes | None:
        nonce = self._next_nonce()
        return self._aead.open(nonce, payload, header)

    def _use(self, traffic_secret: bytes) -> None:
        self._traffic_secret = traffic_secret
        key, iv = derive_traffic_keys(traffic_secret, self._crypto)
        self._aead = self._crypto.create_aead(key)
        self._iv = int.from_bytes(iv, "big")
        self._left = self._change_key_after

    def _next_nonce(self) -> bytes:
        """That of the next record, whose key becomes current."""
        if self._left == 0:
            self._use(next_traffic_secret(self._traffic_secret, self._crypto))
        self._left -= 1
        number = self._number
        self._number = number + 1
        return (self._iv ^ number).to_bytes(AEAD_NONCE_BYTES, "big")


class RecordWriter:
    """Makes records of frames. Without keys the records are plain."""

    def __init__(self, keys: RecordKeys | None = None) -> None:
        self._keys = keys

    def write(self, frames: bytes) -> bytes:
        """One record of these frames, which have 4 to 131,072 bytes."""
        if self._keys is None:
            return len(frames).to_bytes(4, "big") + frames
        header = (len(frames) + AEAD_TAG_BYTES).to_bytes(4, "big")
        return header + self._keys.seal(frames, header)


class RecordReader:
    """Reads the frames of records as they arrive. Without keys the records are plain."""

    def __init__(self, keys: RecordKeys | None = None) -> None:
        self._keys = keys
        self._opened_one = False
        overhead_bytes = 0 if keys is None else AEAD_TAG_BYTES
        max_bytes = MAX_RECORD_BYTES + overhead_bytes
        self._bounds = FrameBounds(
            min_bytes=FRAME_HEADER_BYTES + overhead_bytes,
            max_bytes=max_bytes,
            too_large=lambda payload_bytes: PeerError(
                "ERR_FRAME_TOO_LARGE",
                f"the peer announced a record of {payload_bytes} bytes; {max_bytes} is the max",
            ),
        )

    def read(self, input: ReceiveBuffer) -> bytes | None:
        """The frames of the next record; ``None`` until all of it has arrived.

        Raises a PeerError ``ERR_FRAME_TOO_SHORT`` or ``ERR_FRAME_TOO_LARGE``; if the record does not open,
        ``ERR_AUTHENTICATION_FAILED`` for the first and ``ERR_DECRYPTION_FAILED`` for a later one. Nothing can be read
        after that."""
        payload_bytes = read_length(input, self._bounds)
        if payload_bytes is None:
            return None
        if self._keys is None:
            return input.take(payload_bytes)
        # From where it is: a large payload is not copied before.
        with input.view(payload_bytes) as payload:
            frames = self._keys.open(payload, payload_bytes.to_bytes(4, "big"))
        input.skip(payload_bytes)
        if frames is None:
            raise _was_changed() if self._opened_one else _is_not_the_peer()
        self._opened_one = True
        return frames


def _is_not_the_peer() -> PeerError:
    return PeerError(
        "ERR_AUTHENTICATION_FAILED",
        "the peer's first record could not be opened: the secrets differ, only one end has one, or a process is in "
        "between",
    )


def _was_changed() -> PeerError:
    return PeerError(
        "ERR_DECRYPTION_FAILED",
        "a record could not be opened: it was changed, repeated, left out or moved on its way",
    )
