"""The streams of a session: what this end may send in each, and what the peer may.

Source: spec/protocol.md, "Streams"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....errors import PeerError
from ...message import check_message, check_peer_takes
from ...session import RequestContent
from ..wire.frame import invalid_frame
from .stream import Stream
from .stream_frames import StreamFrames
from .stream_ids import OwnStreamIds, Side, is_after, is_id_of

if TYPE_CHECKING:
    from ...session import Failure, TraceContext
    from ..lanes.send_lane import SendLane

_MAX_REPLIES_BYTES = 1_048_576
"""How much of its causing may wait for a peer's acknowledgement."""
_CREDIT_SHARE = 2
"""How much of a window is consumed before the peer gets credit for it."""


@dataclass(frozen=True)
class StreamLimits:
    """What an end takes of streams."""

    max_concurrent: int
    """Most that the peer may have open of those that it opened."""
    window: int
    """Most that each direction of a stream may hold that is not consumed."""


@dataclass(frozen=True)
class StreamsOptions:
    side: Side
    own: StreamLimits
    max_message_bytes: int
    sends_context: bool = False
    """Whether both ends have the feature context."""


class Streams:
    def __init__(self, options: StreamsOptions, lane: SendLane) -> None:
        self._options = options
        self._ids = OwnStreamIds(options.side)
        self._frames = StreamFrames(lane)
        self._lane = lane
        self._streams: dict[int, Stream] = {}
        self._peer = StreamLimits(0, 0)
        self._peer_max_message_bytes = options.max_message_bytes
        self._last_peers_id = 0
        self._own_open = 0
        self.waiting_bytes = 0
        """Bytes of items that wait for credit."""
        self._replies_bytes = 0
        """The weight of what the peer has caused this end to write since the lane was at ``_replies_from``."""
        self._replies_from = 0
        self.unconsumed_bytes = 0
        """The weight of items that the application has not consumed."""

    @property
    def queued_bytes(self) -> int:
        """The weight of all their frames that the peer has not acknowledged, or that have not left."""
        return self._lane.queued_bytes

    @property
    def can_open(self) -> bool:
        """Whether the peer takes another one."""
        return self._own_open < self._peer.max_concurrent

    def attach(self, peer: StreamLimits, max_message_bytes: int) -> None:
        """What the peer takes, by its hello."""
        self._peer = peer
        self._peer_max_message_bytes = max_message_bytes

    def open(self, type: int, data: bytes, context: TraceContext | None = None) -> int:
        check_message(type, len(data), self._options.max_message_bytes)
        check_peer_takes(len(data), self._peer_max_message_bytes)
        if not self.can_open:
            most = self._peer.max_concurrent
            raise PeerError("ERR_TOO_MANY_STREAMS", f"the peer takes {most} streams at a time, and as many are open")
        id = self._ids.next(self._streams)
        self._own_open += 1
        self._streams[id] = Stream(id, is_own=True)
        self._frames.open(RequestContent(id, type, data, context if self._options.sends_context else None))
        return id

    def write(self, id: int, data: bytes) -> bool:
        check_message(1, len(data), self._options.max_message_bytes)
        check_peer_takes(len(data), self._peer_max_message_bytes)
        stream = self._streams.get(id)
        if stream is None or stream.is_ending:
            return True
        if self._has_credit(stream):
            stream.sent += self._frames.item(id, data)
        else:
            stream.waiting.append(data)
            self.waiting_bytes += len(data)
        stream.is_held = not self._has_credit(stream)
        return not stream.is_held

    def end(self, id: int) -> None:
        stream = self._streams.get(id)
        if stream is None or stream.is_ending:
            return
        stream.is_ending = True
        if not stream.waiting:
            self._end_now(stream)

    def reset(self, id: int, failure: Failure) -> None:
        stream = self._streams.get(id)
        if stream is None:
            return
        self._over(stream)
        written = self._lane.written_position
        self._frames.reset(id, failure)
        if not stream.is_own:
            self._replied(written)

    def stop_sending(self, id: int) -> None:
        stream = self._streams.get(id)
        if stream is None or stream.is_stopped or stream.peer_has_ended:
            return
        stream.is_stopped = True
        self._frames.stop_sending(id)

    def consumed(self, id: int, weight: int) -> bool:
        stream = self._streams.get(id)
        if stream is None:
            return False
        stream.consumed += weight
        self.unconsumed_bytes -= weight
        if stream.peer_has_ended or stream.is_stopped:
            return False
        if stream.consumed - stream.credited < self._options.own.window / _CREDIT_SHARE:
            return False
        stream.credited = stream.consumed
        written = self._lane.written_position
        self._frames.credit(id, stream.consumed)
        self._replied(written)
        return True

    def abandon(self) -> None:
        """Gives all of them up: the session is over."""
        self._streams.clear()
        self._own_open = 0
        self.waiting_bytes = 0
        self.unconsumed_bytes = 0

    # What the peer's frames do. Each raises a PeerError ``ERR_FRAME_INVALID``.

    def begin_opening(self, id: int) -> None:
        """The first frame of an opening has arrived."""
        side = self._options.side
        is_peers = is_id_of("server" if side == "client" else "client", id)
        if not is_peers or not is_after(id, self._last_peers_id) or id in self._streams:
            raise invalid_frame(f"the opening of a stream with the id {id}, which is not its to give")
        if len(self._streams) - self._own_open >= self._options.own.max_concurrent:
            raise invalid_frame(f"the opening of more than {self._options.own.max_concurrent} streams")
        self._check_replies()
        self._last_peers_id = id
        self._streams[id] = Stream(id, is_own=False)

    def has(self, id: int) -> bool:
        """Whether the stream that was opened by a large body is not over by the end of that."""
        return id in self._streams

    def begin_item(self, id: int) -> None:
        """An item begins. Raises a PeerError ``ERR_WINDOW_EXCEEDED``, too."""
        stream = self._find(id)
        if stream is None:
            return
        if stream.peer_has_ended:
            raise invalid_frame("an item after the end of its stream")
        self._check_replies()
        window = self._options.own.window
        if stream.received - stream.credited >= window:
            message = f"the peer sent an item in a stream whose window of {window} bytes is full"
            raise PeerError("ERR_WINDOW_EXCEEDED", message)

    def receive(self, id: int, weight: int) -> bool:
        """An item is whole, with frames of that weight. Returns whether the application is to be given it."""
        stream = self._streams.get(id)
        if stream is None:
            return False
        stream.received += weight
        if stream.is_stopped:
            stream.consumed += weight
            return False
        self.unconsumed_bytes += weight
        return True

    def peer_ends(self, id: int) -> bool:
        """Whether the stream was not over before."""
        stream = self._find(id)
        if stream is None:
            return False
        if stream.peer_has_ended:
            raise invalid_frame("a second end of a stream")
        stream.peer_has_ended = True
        if stream.is_over:
            self._over(stream)
        return True

    def peer_resets(self, id: int) -> bool:
        """Whether the stream was not over before."""
        stream = self._find(id)
        if stream is None:
            return False
        self._over(stream)
        return True

    def peer_stops(self, id: int) -> bool:
        """The peer wants no more items. Whether that is news."""
        stream = self._find(id)
        if stream is None or stream.has_ended:
            return False
        stream.is_ending = True
        self._drop_waiting(stream)
        self._end_now(stream)
        return True

    def peer_consumes(self, id: int, consumed: int) -> bool:
        """The peer has consumed so much. Whether a writer may go on."""
        stream = self._find(id)
        if stream is None:
            return False
        if not stream.peer_consumed <= consumed <= stream.sent:
            raise invalid_frame("credit for what was not sent, or before an earlier one")
        stream.peer_consumed = consumed
        self._send_waiting(stream)
        if not stream.is_held or not self._has_credit(stream):
            return False
        stream.is_held = False
        return True

    def _replied(self, written: int) -> None:
        """What was written from that position on is of the peer's causing."""
        if self._lane.acknowledged > self._replies_from:
            self._replies_bytes = 0
            self._replies_from = written
        self._replies_bytes += self._lane.written_position - written

    def _check_replies(self) -> None:
        """Raises a PeerError ``ERR_WINDOW_EXCEEDED`` if the peer has this end write, and acknowledges nothing."""
        if self._replies_bytes < _MAX_REPLIES_BYTES or self._lane.acknowledged > self._replies_from:
            return
        raise PeerError(
            "ERR_WINDOW_EXCEEDED",
            f"the peer has caused {self._replies_bytes} bytes of resets and credit, and acknowledges nothing",
        )

    def _find(self, id: int) -> Stream | None:
        """``None`` if it is over."""
        stream = self._streams.get(id)
        if stream is not None:
            return stream
        last = self._ids.last if is_id_of(self._options.side, id) else self._last_peers_id
        if id == 0 or is_after(id, last):
            raise invalid_frame(f"a frame of the stream {id}, which is not open")
        return None

    def _has_credit(self, stream: Stream) -> bool:
        return stream.sent - stream.peer_consumed < self._peer.window

    def _send_waiting(self, stream: Stream) -> None:
        if not stream.waiting:
            return
        while stream.waiting and self._has_credit(stream):
            data = stream.waiting.popleft()
            self.waiting_bytes -= len(data)
            stream.sent += self._frames.item(stream.id, data)
        if stream.is_ending and not stream.waiting:
            self._end_now(stream)

    def _drop_waiting(self, stream: Stream) -> None:
        self.waiting_bytes -= sum(map(len, stream.waiting))
        stream.waiting.clear()

    def _end_now(self, stream: Stream) -> None:
        stream.has_ended = True
        self._frames.end(stream.id)
        if stream.is_over:
            self._over(stream)

    def _over(self, stream: Stream) -> None:
        self._drop_waiting(stream)
        self.unconsumed_bytes -= stream.received - stream.consumed
        del self._streams[stream.id]
        if stream.is_own:
            self._own_open -= 1
