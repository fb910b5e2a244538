"""The parts of the handshake in the order in which they are sent. Source: spec/protocol.md, "Handshake"."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ...errors import PeerError
from ..classic.record import SEALED_OVERHEAD_BYTES, RecordProtection
from ..integers import encode_uint32
from ..length_prefix import LENGTH_BYTES, FrameBounds, encode_frame, read_frame
from ..limits import MAX_MAXIMUM_SIZE_FRAME_BYTES

if TYPE_CHECKING:
    from ..profile import ProfileName
    from ..receive_buffer import ReceiveBuffer

PROTOCOL_VERSION = 2
"""golang-ipc v1.0.0 to v1.2.4 all send 2."""


class Hello(NamedTuple):
    version: int
    encrypted: bool


def encode_hello(*, encrypted: bool) -> bytes:
    return bytes((PROTOCOL_VERSION, encrypted))


def decode_hello(input: ReceiveBuffer) -> Hello | None:
    """Raises a PeerError ``ERR_HANDSHAKE_INVALID`` if the second byte is neither 0 nor 1."""
    if len(input) < 2:
        return None
    version, encryption = input.take(2)
    if version == PROTOCOL_VERSION and encryption > 1:
        raise PeerError(
            "ERR_HANDSHAKE_INVALID",
            f"the server's encryption byte is {encryption}, neither 0 nor 1: is this a golang-ipc or sealpipe server?",
        )
    return Hello(version, encryption == 1)


class Answer(IntEnum):
    """The client's answer to the hello. After anything but ``ACCEPTED`` both sides give up."""

    ACCEPTED = 0
    OTHER_VERSION = 1
    ENCRYPTION_REQUIRED = 2
    FAILED = 3


def encode_answer(answer: Answer) -> bytes:
    return bytes((answer,))


def decode_answer(input: ReceiveBuffer) -> bool:
    """True once the client has accepted. Raises a PeerError with the reason if it refuses."""
    if len(input) < 1:
        return False
    answer = input.take(1)[0]
    if answer == Answer.ACCEPTED:
        return True
    if answer == Answer.OTHER_VERSION:
        raise PeerError("ERR_VERSION_MISMATCH", f"the client does not speak protocol version {PROTOCOL_VERSION}")
    if answer == Answer.ENCRYPTION_REQUIRED:
        raise PeerError("ERR_ENCRYPTION_REQUIRED", "the client insists on encryption, which this server has off")
    raise PeerError("ERR_HANDSHAKE_REJECTED", f"the client refused the handshake with answer {answer}")


NATIVE_MAGIC = b"sealpip1"
"""A plain server that speaks native sends this after its maximum size."""


def encode_maximum_size(
    max_message_bytes: int, records: RecordProtection | None, native_sign: bytes | None = None
) -> bytes:
    """The server's max message size, as a frame whose payload is sealed if the connection is encrypted.

    ``native_sign`` shows that the server speaks native: sealed, it is the nonce, which is otherwise random; plain, it
    follows the size."""
    size = encode_uint32(max_message_bytes)
    if records is None:
        return encode_frame(size, native_sign or b"")
    return encode_frame(*records.seal(size, native_sign))


def _maximum_size_too_large(payload_bytes: int) -> PeerError:
    return PeerError(
        "ERR_FRAME_TOO_LARGE",
        f"the server's maximum-size frame announces {payload_bytes} bytes; {MAX_MAXIMUM_SIZE_FRAME_BYTES} is the max",
    )


class MaximumSize(NamedTuple):
    max_message_bytes: int
    frame: bytes
    """The whole frame, as it was on the wire."""


def decode_maximum_size(input: ReceiveBuffer, records: RecordProtection | None) -> MaximumSize | None:
    """Anything after the four bytes of the size is ignored, as golang-ipc does.

    Raises a PeerError ``ERR_FRAME_TOO_SHORT``, ``ERR_FRAME_TOO_LARGE`` or ``ERR_DECRYPTION_FAILED``.
    """
    bounds = FrameBounds(
        min_bytes=4 + (0 if records is None else SEALED_OVERHEAD_BYTES),
        max_bytes=MAX_MAXIMUM_SIZE_FRAME_BYTES,
        too_large=_maximum_size_too_large,
    )
    payload = read_frame(input, bounds)
    if payload is None:
        return None
    plaintext = payload if records is None else records.open(payload)
    return MaximumSize(int.from_bytes(plaintext[:4], "big"), encode_frame(payload))


def says_native(maximum_size: MaximumSize, nonce: bytes | None = None) -> bool:
    """Whether the maximum-size frame shows that the server speaks native. An encrypted server shows it by the nonce
    ``nonce``."""
    if nonce is not None:
        return maximum_size.frame.startswith(nonce, LENGTH_BYTES)
    return maximum_size.frame.startswith(NATIVE_MAGIC, LENGTH_BYTES + 4)


CONFIRMATIONS: MappingProxyType[ProfileName, int] = MappingProxyType({"classic": 0, "native": 1})
"""The last byte, by which the client confirms the maximum size. To golang-ipc its value has no meaning."""


def encode_confirmation(profile: ProfileName) -> bytes:
    return bytes((CONFIRMATIONS[profile],))


def decode_confirmation(input: ReceiveBuffer) -> ProfileName | None:
    if len(input) < 1:
        return None
    return "native" if input.take(1)[0] == CONFIRMATIONS["native"] else "classic"
