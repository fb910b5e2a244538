"""A session on one connection: its records, and the frames that concern the connection itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...errors import PeerError
from ..engine_errors import connection_lost
from ..profile import PeerClosed
from .close import NativeClose
from .keepalive import Keepalive
from .lanes.acknowledger import Acknowledger
from .lanes.body_deadlines import BodyDeadlines
from .pings import Pings
from .wire.frame import (
    FRAME_HEADER_BYTES,
    FRAME_KINDS,
    MESSAGE,
    RECORD_ROOM_BYTES,
    encode_fields,
    frame_bytes,
    invalid_frame,
)
from .wire.positions import POSITION_BYTES, decode_positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..close import CloseStart
    from ..profile import ProfileEvent
    from ..receive_buffer import ReceiveBuffer
    from .keepalive import KeepaliveLimits
    from .session import NativeSession
    from .wire.record import RecordReader, RecordWriter

_GATHERED_BYTES = 65_536
"""Records are gathered in one write up to about this size. A socket takes some 200 KiB at once, and asyncio copies
the rest of a larger write."""

_ACKNOWLEDGE = FRAME_KINDS["acknowledge"]
_ACKNOWLEDGE_SOON = FRAME_KINDS["acknowledge-soon"]
_PING = FRAME_KINDS["ping"]
_PONG = FRAME_KINDS["pong"]
_CLOSE = FRAME_KINDS["close"]


@dataclass(frozen=True)
class NativeProfileOptions:
    session: NativeSession
    reader: RecordReader
    writer: RecordWriter
    encrypted: bool
    keepalive: KeepaliveLimits
    frame_timeout: float
    """Time for each tenth of a large body."""
    now: Callable[[], float]


class NativeProfile:
    name: Literal["native"] = "native"
    answers_close = True
    needs_pausing = False
    is_spent = False

    def __init__(self, options: NativeProfileOptions) -> None:
        session = options.session
        self.session = session
        self.encrypted = options.encrypted
        self._reader = options.reader
        self._writer = options.writer
        self._now = options.now
        self._keepalive = Keepalive(options.keepalive, options.now())
        self._acknowledger = Acknowledger(session.incoming)
        self._body_deadlines = BodyDeadlines(session.incoming, options.frame_timeout)
        self._pings = Pings()
        self._record = b""
        """The record that is being read, from the offset on."""
        self._offset = 0
        self._first_lane = 0
        """The index of the lane that comes first in the next record."""
        self._phase: Literal["open", "closing", "closed"] = "open"
        """``closing``: nothing more is sent after what is queued; ``closed``: the peer has closed, or both ends."""
        self._close_sent = False
        self.has_more_output = False
        self.is_drained = False

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._close_sent else self.session.outgoing.unsent_bytes

    @property
    def output_ended(self) -> bool:
        return self._close_sent

    def heard(self) -> None:
        self._keepalive.heard(self._now())

    def receive(self, input: ReceiveBuffer) -> ProfileEvent | None:
        self.is_drained = False
        while True:
            while self._offset < len(self._record):
                event = self._receive_frame()
                if event is not None:
                    if self._offset == len(self._record) and len(input) == 0:
                        self._received_all()
                    return event
            record = self._reader.read(input)
            self._offset = 0
            if record is None:
                break
            self._record = record
        self._received_all()
        return None

    def close(self, start: CloseStart) -> NativeClose:
        self._phase = "closing"
        # What still arrives is dropped, and the close has a timeout of its own.
        self._body_deadlines.clear()
        return NativeClose(start)

    def loss_at_end(self, cause: BaseException | None, *, closing: bool) -> PeerError | None:
        """No loss if this end has closed and the peer has acknowledged everything."""
        is_done = closing and self.session.queued_bytes == 0 and self._close_sent
        return None if is_done else connection_lost("without a close", cause)

    def finish(self, *, orderly: bool, lost: bool = False) -> None:
        self._phase = "closed"
        # A peer that ended without a close gets none from this end either: it may come back, and must not find its
        # session closed.
        if not orderly or lost:
            self._close_sent = True

    def take_output(self) -> bytes:
        self._acknowledger.notice(self._now)
        if self._body_deadlines.is_held:
            self._body_deadlines.notice(self._now())
        write = b""
        while len(write) < _GATHERED_BYTES and self._has_output:
            frames = self._compose_record()
            if not frames:
                break
            record = self._writer.write(frames)
            write = write + record if write else record
        self.has_more_output = len(write) >= _GATHERED_BYTES
        return write

    def next_timeout(self) -> float:
        return min(self._keepalive.next_timeout, self._acknowledger.next_timeout, self._body_deadlines.next_timeout)

    def handle_timeout(self, now: float) -> None:
        self._acknowledger.handle_timeout(now)
        self._body_deadlines.handle_timeout(now)
        verdict = self._keepalive.handle_timeout(now)
        if verdict == "dead":
            raise PeerError("ERR_KEEPALIVE_TIMEOUT", "the peer did not answer a ping: it hangs, or is stopped")
        if verdict == "ping":
            self._pings.ping(now)

    def _received_all(self) -> None:
        """Of what has arrived nothing is left but perhaps the beginning of a record."""
        self.is_drained = True
        self._record = b""
        self._acknowledger.notice(self._now)
        self._notice_bodies()

    def _notice_bodies(self) -> None:
        if self._phase != "open":
            return
        # Without a body the clock does not matter.
        if self._body_deadlines.is_waiting or self.session.incoming.has_bodies:
            self._body_deadlines.notice(self._now())

    @property
    def _has_output(self) -> bool:
        """False if there is known to be nothing."""
        if self._phase != "open" or self._pings.waiting or self.session.wants_acknowledgement:
            return True
        return not self.session.outgoing.all_sent or self._acknowledger.is_due

    def _receive_frame(self) -> ProfileEvent | None:
        record, start = self._record, self._offset
        kind = record[start]
        if kind == MESSAGE:
            messages, self._offset = self.session.incoming.receive_messages(record, start)
            if messages is not None:
                return messages
        end = start + frame_bytes(record, start)
        if start + FRAME_HEADER_BYTES > len(record) or end > len(record):
            raise invalid_frame("a frame that ends outside its record")
        self._offset = end
        if kind < MESSAGE:
            return self._receive_control(kind, record[start + FRAME_HEADER_BYTES : end])
        return self.session.incoming.receive(kind, record[start:end])

    def _receive_control(self, kind: int, body: bytes) -> PeerClosed | None:
        if kind == _ACKNOWLEDGE:
            self._acknowledged(body)
        elif kind == _ACKNOWLEDGE_SOON:
            self._acknowledger.ask()
        elif kind == _PING:
            self._pings.receive_ping(body)
        elif kind == _PONG:
            self._receive_pong(body)
        elif kind == _CLOSE:
            return PeerClosed()
        else:
            raise invalid_frame(f"a frame of kind {kind} where it may not be")
        return None

    def _acknowledged(self, body: bytes) -> None:
        lanes = self.session.lanes
        if len(body) < POSITION_BYTES * lanes:
            raise invalid_frame("an acknowledgement that is too short")
        self.session.outgoing.acknowledge(decode_positions(body, lanes))

    def _receive_pong(self, body: bytes) -> None:
        round_trip = self._pings.receive_pong(body, self._now())
        if round_trip is not None:
            self.session.round_trip = round_trip

    def _compose_record(self) -> bytes:
        """The frames of the next record, or nothing if there is nothing to send yet."""
        if self._close_sent:
            return b""
        if self._phase == "closed":
            return self._compose_close([])
        session = self.session
        frames = self._pings.take_frames() if self._pings.waiting else []
        self._add_lanes(frames)
        all_sent = session.outgoing.all_sent
        if session.wants_acknowledgement and all_sent:
            session.wants_acknowledgement = False
            frames.append(encode_fields(_ACKNOWLEDGE_SOON))
        if self._acknowledger.is_notable if frames else self._acknowledger.is_due:
            self._add_acknowledgement(frames)
        if self._phase == "closing" and all_sent:
            return self._compose_close(frames)
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _compose_close(self, frames: list[bytes]) -> bytes:
        self._close_sent = True
        self._add_acknowledgement(frames)
        frames.append(encode_fields(_CLOSE))
        return b"".join(frames)

    def _add_acknowledgement(self, frames: list[bytes]) -> None:
        acknowledgement = self._acknowledger.take_frame()
        if acknowledgement is not None:
            frames.append(acknowledgement)

    def _add_lanes(self, frames: list[bytes]) -> None:
        """Adds runs of the lanes' frames, as many as fit. A lane whose turn has come, but which had to wait for others,
        comes first in the next record."""
        outgoing = self.session.outgoing
        lanes = outgoing.lanes
        room = RECORD_ROOM_BYTES
        first: int | None = None
        for index in range(len(lanes)):
            number = (self._first_lane + index) % len(lanes)
            lane = lanes[number]
            if not lane.unsent_bytes and not lane.again:
                continue
            room_before = room
            while (count := lane.next_bytes()) > 0 and (lane is outgoing.messages or not outgoing.is_ahead(lane)):
                if count > room:
                    if room == room_before and first is None:
                        first = number
                    break
                frames.append(lane.take())
                room -= count
        self._first_lane = first or 0
