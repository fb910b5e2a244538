"""What an application sends to its peer, and what it hears, on either profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from .message import MessageContent

ConsumedLane = Literal["messages", "requests"]
"""The kinds that the application consumes at its own pace, each in a lane of its own."""


@dataclass(frozen=True)
class TraceContext:
    """The trace of the application's that a request or a stream belongs to: the two header fields of W3C Trace Context.

    The library carries them, and takes nothing from them."""

    traceparent: str
    """For example ``"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"``."""
    tracestate: str | None = None
    """Up to 512 printable ASCII characters; ``None`` if there are none."""


class RequestContent(NamedTuple):
    """A request as it was made."""

    id: int
    type: int
    data: bytes
    context: TraceContext | None = None


class Failure(NamedTuple):
    """Why a request has no answer."""

    code: str
    message: str
    data: bytes | None = None
    """The application's own data about the failure, if any."""


class StreamOpened(NamedTuple):
    """The peer has opened a stream."""

    id: int
    type: int
    data: bytes
    context: TraceContext | None


class ItemCame(NamedTuple):
    id: int
    data: bytes
    weight: int
    """For ``SessionStreams.consumed``."""


class StreamEnded(NamedTuple):
    """The peer sends no more items in it."""

    id: int


class StreamReset(NamedTuple):
    """The stream is over."""

    id: int
    code: str
    message: str


class StreamStopped(NamedTuple):
    """The peer wants no more items: this end's direction has ended."""

    id: int


class CreditCame(NamedTuple):
    """There is credit again, after a ``write`` that said that there was none."""

    id: int


StreamEvent = StreamOpened | ItemCame | StreamEnded | StreamReset | StreamStopped | CreditCame
"""What a peer does with streams."""


class SessionStreams(Protocol):
    """The streams of a session. What is done to one that is over does nothing."""

    @property
    def queued_bytes(self) -> int:
        """The weight of all their frames that the peer has not acknowledged, or that have not left."""
        ...

    @property
    def can_open(self) -> bool:
        """Whether the peer takes another one."""
        ...

    def open(self, type: int, data: bytes, context: TraceContext | None = None) -> int:
        """Opens one, and returns its id. The context is sent only to a peer that can read it.

        Raises a CallerError as ``Session.send``, or a PeerError ``ERR_TOO_LARGE_FOR_PEER`` or
        ``ERR_TOO_MANY_STREAMS``."""
        ...

    def write(self, id: int, data: bytes) -> bool:
        """Sends an item, or keeps it if there is no credit for it. Returns whether there is credit for another.

        Raises a CallerError ``ERR_MESSAGE_TOO_LARGE``, or a PeerError ``ERR_TOO_LARGE_FOR_PEER``."""
        ...

    def end(self, id: int) -> None:
        """No further item is sent after those that were written."""

    def reset(self, id: int, failure: Failure) -> None:
        """Ends both directions at once."""

    def stop_sending(self, id: int) -> None:
        """Asks the peer to end its direction: what still comes of it is dropped."""

    def consumed(self, id: int, weight: int) -> bool:
        """The application has consumed an item of that weight. Returns whether there is something to send for it: most
        items cause nothing."""
        ...


@dataclass(frozen=True)
class Leftovers:
    """What was under way when a session was given up."""

    unacknowledged: list[MessageContent]
    """Sent, at least in part, and not acknowledged: they may or may not have arrived."""
    unsent: list[MessageContent]
    """Not sent at all."""
    unsent_requests: list[RequestContent]


class Session(Protocol):
    """Everything that an application sends to its peer goes through this interface; bytes, times and events go through
    the engine.

    A native session outlives its connection, and can be sent to without one; a classic session ends with its connection
    and has no requests. After each call the caller has the driver fetch the engine's output."""

    @property
    def is_acknowledged(self) -> bool:
        """Whether the peer acknowledges what its application has consumed. If not, everything that has left counts as
        done."""
        ...

    @property
    def is_resumable(self) -> bool:
        """Whether the session goes on when its connection is lost."""
        ...

    @property
    def queued_bytes(self) -> int:
        """The weight of everything that has not left or, if ``is_acknowledged``, has not been consumed by the peer."""
        ...

    @property
    def queued_message_bytes(self) -> int:
        """The same of messages alone, if they can be distinguished."""
        ...

    @property
    def queued_request_bytes(self) -> int:
        """The same of requests alone."""
        ...

    @property
    def queued_answer_bytes(self) -> int:
        """The same of answers and failures."""
        ...

    def send(self, type: int, data: bytes) -> None:
        """Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_MESSAGE_TOO_LARGE`` or
        ``ERR_CLOSED``, or a PeerError ``ERR_TOO_LARGE_FOR_PEER``."""

    def request(self, type: int, data: bytes, context: TraceContext | None = None) -> int:
        """Sends a request. Returns its id, which its answer or failure carries. The context is sent only to a peer that
        can read it.

        Raises a CallerError as ``send``, or a PeerError ``ERR_PEER_NOT_NATIVE`` or ``ERR_TOO_LARGE_FOR_PEER``."""
        ...

    def admin(self, operation: int, data: bytes) -> int:
        """Client: like ``request``, to the server's library itself. The caller has checked the size of ``data``.

        Raises a PeerError ``ERR_PEER_NOT_NATIVE``, ``ERR_PEER_WITHOUT_ADMIN`` or ``ERR_NOT_CONNECTED``."""
        ...

    def cancel(self, id: int) -> None:
        """Cancels a request of this end: its answer will not be delivered."""

    def answer(self, id: int, data: bytes) -> None:
        """Answers a request of the peer. Does nothing if the peer does not wait for the answer any more.

        Raises a CallerError ``ERR_MESSAGE_TOO_LARGE`` or a PeerError ``ERR_TOO_LARGE_FOR_PEER``; then the request must
        still be answered."""

    def fail(self, id: int, failure: Failure) -> None:
        """Like ``answer``, with a failure, and never raises. The message is cut to what fits into a frame, and the data
        are sent only to a peer that can read them."""

    def consumed(self, lane: ConsumedLane, position: int) -> None:
        """The application has consumed what arrived with ``position``. It consumes in the order of arrival."""

    def ask_for_acknowledgement(self) -> None:
        """Asks the peer to acknowledge soon what its application has consumed."""

    @property
    def streams(self) -> SessionStreams:
        """Raises a PeerError ``ERR_PEER_NOT_NATIVE`` or ``ERR_PEER_WITHOUT_STREAMS``."""
        ...

    def abandon(self) -> Leftovers:
        """Gives the session up: it sends nothing more."""
        ...
