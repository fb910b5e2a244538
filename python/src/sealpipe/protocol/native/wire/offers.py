"""The last part of a hello, which ends that predate features do not send. Source: spec/protocol.md, "Features"."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from .failure import is_failure_code
from .frame import invalid_frame, read_position
from .hello_fields import encode_text
from .lanes import MAX_WINDOW, MIN_WINDOW

if TYPE_CHECKING:
    from .hello_fields import Fields

Feature = Literal["streams", "context", "failure-data", "admin"]

FEATURE_BITS: MappingProxyType[Feature, int] = MappingProxyType(
    {"streams": 0x0000_0001, "context": 0x0000_0002, "failure-data": 0x0000_0004, "admin": 0x0000_0008}
)
"""Each feature's bit. An end sets it if it can read what the feature adds."""

ALL_FEATURES = sum(FEATURE_BITS.values())

CONTRACT_HASH_BYTES = 32
MAX_CONTRACTS = 16
"""Max number of contracts in one hello."""


def has_feature(features: int, feature: Feature) -> bool:
    """Whether the bit of a feature is set."""
    return features & FEATURE_BITS[feature] != 0


@dataclass(frozen=True)
class ContractIdentity:
    """Identifies a contract, so that two ends can see whether they mean the same one."""

    name: str
    version: str
    hash: bytes
    """SHA-256 of its description."""


@dataclass(frozen=True)
class Offers:
    """What an end can read besides, and how much of it. The defaults are what an end without features offers."""

    features: int = 0
    """Bits of ``FEATURE_BITS``, and others that are unknown to this end."""
    stream_lane_window: int = MIN_WINDOW
    """The window of the lane of streams."""
    max_concurrent_streams: int = 0
    """Max number of streams that the peer may have opened and still open at a time."""
    stream_window: int = MIN_WINDOW
    """The window of each direction of each stream."""
    received_streams: int = 0
    """In a hello that resumes, how far the lane of streams has arrived; otherwise 0."""
    codec: str = ""
    """The name of the application's encoding."""
    contracts: tuple[ContractIdentity, ...] = ()
    session_ended: str | None = None
    """Server: the code of why it had ended the session that the client wants to resume."""


NO_OFFERS = Offers()
"""What a hello without this part means."""


def encode_offers(offers: Offers) -> bytes:
    numbers = (offers.features, offers.stream_lane_window, offers.max_concurrent_streams, offers.stream_window)
    parts = [number.to_bytes(4, "big") for number in numbers]
    parts += [offers.received_streams.to_bytes(8, "big"), encode_text(offers.codec), bytes((len(offers.contracts),))]
    for contract in offers.contracts:
        parts += [encode_text(contract.name), encode_text(contract.version), contract.hash]
    if offers.session_ended is not None:
        parts.append(encode_text(offers.session_ended))
    return b"".join(parts)


def decode_offers(fields: Fields, side: Literal["client", "server"]) -> Offers:
    """Decodes the rest of a hello that ``side`` has sent; anything after it is ignored.

    Raises a PeerError ``ERR_FRAME_INVALID``."""
    features = fields.take_uint32()
    stream_lane_window = decode_window(fields)
    max_concurrent_streams = fields.take_uint32()
    stream_window = decode_window(fields)
    received_streams = read_position(fields.take(8), 0)
    codec = fields.take_text()
    contracts = _decode_contracts(fields)
    session_ended = "" if side == "client" or fields.is_empty else fields.take_text()
    if session_ended and not is_failure_code(session_ended):
        raise invalid_frame("a session that ended without a code")
    return Offers(
        features,
        stream_lane_window,
        max_concurrent_streams,
        stream_window,
        received_streams,
        codec,
        contracts,
        session_ended or None,
    )


def _decode_contracts(fields: Fields) -> tuple[ContractIdentity, ...]:
    count = fields.take_byte()
    if count > MAX_CONTRACTS:
        raise invalid_frame(f"a hello with {count} contracts")
    return tuple(
        ContractIdentity(fields.take_text(), fields.take_text(), fields.take(CONTRACT_HASH_BYTES)) for _ in range(count)
    )


def decode_window(fields: Fields) -> int:
    """Raises a PeerError ``ERR_FRAME_INVALID``."""
    window = fields.take_uint32()
    if not MIN_WINDOW <= window <= MAX_WINDOW:
        raise invalid_frame(f"a hello with a window of {window} bytes")
    return window
