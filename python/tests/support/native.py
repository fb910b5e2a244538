"""Sessions, and frames that are written by other code than the library's."""

from __future__ import annotations

from sealpipe.protocol.native.requests.request_ids import OwnRequestIds, PeerRequestIds
from sealpipe.protocol.native.wire.frame import FRAME_KINDS

from .wire import frame, uint32


class AnyOwnIds(OwnRequestIds):
    """Takes every answer, whether anybody has asked or not."""

    def settle(self, id: int) -> bool:
        super().settle(id)
        return True


class AnyPeerIds(PeerRequestIds):
    """Takes every request and cancel, and answers every id."""

    def arrived(self, id: int) -> bool:
        return id >= 0

    def cancelled(self, id: int) -> bool:
        return id >= 0

    def has(self, id: int) -> bool:
        return id >= 0


def native_frame(kind: str | int, *fields: int, data: bytes = b"") -> bytes:
    """The kind, the fixed fields of four bytes each, the data."""
    body = b"".join(map(uint32, fields)) + data
    number = FRAME_KINDS[kind] if isinstance(kind, str) else kind
    return bytes((number,)) + uint32(len(body))[1:] + body


def plain_record(*frames: bytes) -> bytes:
    return frame(*frames)


def weight_of(*frames: bytes) -> int:
    """What these frames add to their lane's position."""
    return sum(len(frame) + 64 for frame in frames)


def frames_in(records: bytes) -> list[bytes]:
    """The whole frames in a run of plain records."""
    frames: list[bytes] = []
    while records:
        length = int.from_bytes(records[:4], "big")
        record, records = records[4 : 4 + length], records[4 + length :]
        while record:
            end = 4 + int.from_bytes(record[1:4], "big")
            frames.append(record[:end])
            record = record[end:]
    return frames


def kinds_in(records: bytes) -> list[str]:
    names = {number: name for name, number in FRAME_KINDS.items()}
    return [names[frame[0]] for frame in frames_in(records)]
