"""Everything between two native ends that is not settled yet.

Source: spec/protocol.md, "Resume"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import PeerError
from ..message import MAX_TYPE, check_message, check_peer_takes
from ..session import ConsumedLane, Failure, Leftovers, RequestContent, TraceContext
from .lanes.incoming import Incoming, IncomingLimits
from .lanes.leftovers import decode_messages, decode_requests
from .lanes.outgoing import Outgoing
from .requests.request_ids import OwnRequestIds, PeerRequestIds
from .streams.incoming_streams import IncomingStreams
from .streams.streams import StreamLimits, Streams, StreamsOptions
from .wire.offers import NO_OFFERS, Feature, Offers, has_feature

if TYPE_CHECKING:
    from .streams.stream_ids import Side
    from .wire.lanes import Windows


@dataclass(frozen=True)
class SessionLimits(IncomingLimits):
    """What an end takes, and what both can read."""

    side: Side = "client"
    streams: StreamLimits | None = None
    """If both ends have streams."""


@dataclass(frozen=True)
class PeerLimits:
    """What the peer's hello says that it takes."""

    max_message_bytes: int
    windows: Windows
    offers: Offers = NO_OFFERS


@dataclass(frozen=True)
class Identity:
    """Identifies a peer that comes back."""

    id: bytes
    resumption_key: bytes


class NativeSession:
    """It outlives the connection, so that another one can go on where the first broke. The application may send at any
    time, with or without a connection."""

    is_acknowledged = True

    def __init__(
        self,
        limits: SessionLimits,
        own_ids: OwnRequestIds | None = None,
        peer_ids: PeerRequestIds | None = None,
    ) -> None:
        """Ids: rules other than the spec's, for tests of frames alone."""
        self._own_ids = own_ids or OwnRequestIds()
        self._peer_ids = peer_ids or PeerRequestIds()
        self._max_message_bytes = limits.max_message_bytes
        self._features = limits.features
        self._max_sent_bytes = limits.max_message_bytes
        """The largest data that both ends take."""
        self._peer_max_message_bytes = limits.max_message_bytes
        self.identity: Identity | None = None
        """``None`` if the session ends with its connection."""
        self.wants_acknowledgement = False
        """Whether to ask the peer to acknowledge soon, once everything is sent."""
        self.round_trip: float | None = None
        """How long the last ping of this end took to be answered, in seconds."""
        self.outgoing = Outgoing(has_streams=limits.streams is not None)
        self._streams = None
        reader = None
        if limits.streams is not None:
            options = StreamsOptions(limits.side, limits.streams, limits.max_message_bytes, self._has("context"))
            self._streams = Streams(options, self.outgoing.streams)
            reader = IncomingStreams(
                self._streams, max_message_bytes=limits.max_message_bytes, features=limits.features
            )
        self.incoming = Incoming(limits, self._own_ids, self._peer_ids, reader)

    @property
    def is_resumable(self) -> bool:
        return self.identity is not None

    @property
    def queued_bytes(self) -> int:
        """The weight of everything that waits to be sent, or is sent and not acknowledged."""
        return self.outgoing.queued_bytes

    @property
    def queued_message_bytes(self) -> int:
        return self.outgoing.messages.queued_bytes

    @property
    def queued_request_bytes(self) -> int:
        return self.outgoing.requests.queued_bytes

    @property
    def queued_answer_bytes(self) -> int:
        return self.outgoing.answers.queued_bytes

    @property
    def streams(self) -> Streams:
        """Raises a PeerError ``ERR_PEER_WITHOUT_STREAMS``."""
        if self._streams is None:
            raise PeerError("ERR_PEER_WITHOUT_STREAMS", "the peer's library has no streams")
        return self._streams

    @property
    def lanes(self) -> int:
        """How many lanes there are: four if both ends have streams, otherwise three."""
        return len(self.outgoing.lanes)

    @property
    def waiting_item_bytes(self) -> int:
        """Bytes of items that wait for credit, and so are not part of ``queued_bytes``."""
        return 0 if self._streams is None else self._streams.waiting_bytes

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept besides both, in both directions. They do not grow while there is no connection."""
        unconsumed_bytes = 0 if self._streams is None else self._streams.unconsumed_bytes
        return self.outgoing.kept_bytes + self.incoming.kept_bytes + unconsumed_bytes

    @property
    def settled_bytes(self) -> int:
        """The weight of everything that was sent and acknowledged, or received and consumed, so far."""
        return self.outgoing.acknowledged_bytes + self.incoming.consumed_bytes

    def attach(self, peer: PeerLimits, identity: Identity | None) -> None:
        """Begins the session, or resumes it with the same peer on another connection."""
        self.identity = identity
        self._peer_max_message_bytes = peer.max_message_bytes
        self._max_sent_bytes = min(self._max_message_bytes, peer.max_message_bytes)
        windows = (*peer.windows, peer.offers.stream_lane_window)
        for lane, window in zip(self.outgoing.lanes, windows, strict=False):
            lane.window = window
        if self._streams is not None:
            limits = StreamLimits(peer.offers.max_concurrent_streams, peer.offers.stream_window)
            self._streams.attach(limits, peer.max_message_bytes)
        self.incoming.forget_acknowledged()

    def send(self, type: int, data: bytes) -> None:
        # What `_check_size` finds, without two calls: this is what is sent most.
        if type.__class__ is not int or not 0 < type <= MAX_TYPE or len(data) > self._max_sent_bytes:
            self._check_size(type, data)
        self.outgoing.message(type, data)

    def request(self, type: int, data: bytes, context: TraceContext | None = None) -> int:
        self._check_size(type, data)
        id = self._own_ids.next()
        self.outgoing.request(RequestContent(id, type, data, context if self._has("context") else None))
        return id

    def admin(self, operation: int, data: bytes) -> int:
        if not self._has("admin"):
            raise PeerError("ERR_PEER_WITHOUT_ADMIN", "the server's library answers no requests to itself")
        id = self._own_ids.next()
        self.outgoing.admin(id, operation, data)
        return id

    def cancel(self, id: int) -> None:
        if self._own_ids.settle(id):
            self.outgoing.cancel(id)

    def answer(self, id: int, data: bytes) -> None:
        if self._peer_ids.has(id):
            self._check_size(1, data)
            self._peer_ids.settle(id)
            self.outgoing.answer(id, data)

    def fail(self, id: int, failure: Failure) -> None:
        if self._peer_ids.has(id):
            self._peer_ids.settle(id)
            self.outgoing.failure(id, failure if self._has("failure-data") else failure._replace(data=None))

    def consumed(self, lane: ConsumedLane, position: int) -> None:
        self.incoming.lane(lane).consume(position)

    def ask_for_acknowledgement(self) -> None:
        self.wants_acknowledgement = self.queued_bytes > 0

    def forget_identity(self) -> None:
        """From now on the session ends with its connection: nobody may resume it."""
        self.identity = None

    def abandon(self) -> Leftovers:
        """Answers and cancels mean nothing in another session and are dropped."""
        self.forget_identity()
        messages = self.outgoing.messages.drain()
        requests = self.outgoing.requests.drain()
        self.outgoing.answers.drain()
        self.outgoing.streams.drain()
        if self._streams is not None:
            self._streams.abandon()
        return Leftovers(
            unacknowledged=decode_messages(messages.sent),
            unsent=decode_messages(messages.unsent),
            unsent_requests=decode_requests(requests.unsent),
        )

    def _has(self, feature: Feature) -> bool:
        """Whether both ends have that feature."""
        return has_feature(self._features, feature)

    def _check_size(self, type: int, data: bytes) -> None:
        check_message(type, len(data), self._max_message_bytes)
        check_peer_takes(len(data), self._peer_max_message_bytes)
