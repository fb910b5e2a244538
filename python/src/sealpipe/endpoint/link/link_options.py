"""What a link is made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..requests.request import Request
from ..streams.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.profile import AdminRequestCame, RequestCame
    from ...protocol.session import StreamOpened
    from ..handlers import Handlers
    from ..reading.read_quota import ReadQuota
    from ..requests.request import RequestHandler
    from ..streams.handled_streams import StreamHandler
    from ..streams.stream import StreamWire

R = TypeVar("R", bound=Request)
S = TypeVar("S", bound=Stream)


class LinkLimits(Protocol):
    """Those of an endpoint's options that its links use."""

    @property
    def max_message_bytes(self) -> int: ...

    @property
    def max_queued_bytes(self) -> int: ...

    @property
    def max_concurrent_requests(self) -> int: ...

    @property
    def max_concurrent_streams(self) -> int: ...


@dataclass(frozen=True)
class LinkOptions(Generic[R, S]):
    limits: LinkLimits
    quota: ReadQuota
    queues_offline: bool
    """Whether what is sent without a session waits for the next one."""
    keeps_more: Callable[[], None]
    """More bytes are kept for a peer without a connection."""
    handlers: Handlers[RequestHandler[R]]
    make_request: Callable[[RequestCame | AdminRequestCame], R]
    stream_handlers: Handlers[StreamHandler[S]]
    make_stream: Callable[[StreamOpened, StreamWire], S]
    find_admin: Callable[[int], RequestHandler[R] | None] | None = None
