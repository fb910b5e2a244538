"""What two ends send each other once the handshake is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from .session import CreditCame, ItemCame, StreamEnded, StreamOpened, StreamReset, StreamStopped

if TYPE_CHECKING:
    from ..errors import PeerError
    from .close import Close, CloseStart
    from .receive_buffer import ReceiveBuffer
    from .session import Session, TraceContext

ProfileName = Literal["classic", "native"]


class MessagesCame(NamedTuple):
    """Messages that arrived one after another. There is at least one."""

    messages: list[tuple[int, bytes, int]]
    """Each with its type, its data, and its position for ``Session.consumed``."""


class RequestCame(NamedTuple):
    id: int
    type: int
    data: bytes
    context: TraceContext | None
    position: int
    """For ``Session.consumed``."""


class AdminRequestCame(NamedTuple):
    """A client's request to the library itself."""

    id: int
    operation: int
    data: bytes
    position: int


class AnswerCame(NamedTuple):
    id: int
    data: bytes


class FailureCame(NamedTuple):
    id: int
    code: str
    message: str
    data: bytes | None


class CancelCame(NamedTuple):
    id: int


class PeerClosed(NamedTuple):
    """The peer sends nothing more, and expects nothing more."""


RequestEvent = RequestCame | AdminRequestCame | AnswerCame | FailureCame | CancelCame
IncomingStreamEvent = StreamOpened | ItemCame | StreamEnded | StreamReset | StreamStopped | CreditCame
IncomingEvent = MessagesCame | RequestEvent | IncomingStreamEvent
"""What arrives for the application."""
ProfileEvent = IncomingEvent | PeerClosed


class Profile(Protocol):
    """Encodes and decodes what two ends send each other once the handshake is over."""

    @property
    def name(self) -> ProfileName: ...

    @property
    def encrypted(self) -> bool: ...

    @property
    def session(self) -> Session:
        """Through which everything to the peer is sent."""
        ...

    @property
    def needs_pausing(self) -> bool:
        """Whether the peer may send without limit, so that the driver must stop reading the transport while messages
        are not read."""
        ...

    @property
    def is_spent(self) -> bool:
        """Whether its key has sealed as many payloads as it may: the engine closes."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """Bytes that ``take_output`` has yet to return."""
        ...

    @property
    def has_more_output(self) -> bool:
        """False if ``take_output``, which has returned a write, has nothing to add to it now."""
        ...

    @property
    def is_drained(self) -> bool:
        """Whether it is known that ``receive`` has no event until more arrives."""
        ...

    @property
    def output_ended(self) -> bool:
        """After a close: whether nothing more will be added to the output."""
        ...

    @property
    def answers_close(self) -> bool:
        """Whether the peer, after a close of this end, reports when it has received everything and is done, too: until
        then it is read."""
        ...

    def receive(self, input: ReceiveBuffer) -> ProfileEvent | None:
        """The next event, or ``None`` until all of it has arrived. Raises a PeerError for bytes that are invalid."""

    def heard(self) -> None:
        """Something has arrived from the peer."""

    def take_output(self) -> bytes:
        """The next write, or no bytes."""
        ...

    def close(self, start: CloseStart) -> Close:
        """Nothing more will be sent. What was sent leaves first."""
        ...

    def loss_at_end(self, cause: BaseException | None, *, closing: bool) -> PeerError | None:
        """What the end of the transport means between two frames: an error, unless the peer was done. ``closing``: this
        end has closed."""

    def finish(self, *, orderly: bool, lost: bool = False) -> None:
        """The engine has ended. ``orderly``: the peer may still get what was sent, and a last frame; otherwise it gets
        nothing more. ``lost``: it ended with an error."""

    def next_timeout(self) -> float:
        """When to call ``handle_timeout``, on the engine's clock; infinity for never."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Raises a PeerError if the peer was too late."""
