"""What a blocking client has in common with a server's connection: a peer."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from ..endpoint.call_options import check_timeout
from ..endpoint.messages.message import Message, MessageData, to_bytes
from ..endpoint.reading.inbox import closed_error
from ..errors import PeerError
from .endpoint import BlockingEndpoint
from .outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..endpoint.client.client import Client as AsyncClient
    from ..endpoint.options.parse_options import ParsedOptions
    from ..endpoint.requests.request import Answer
    from ..endpoint.server.connection import Connection as AsyncConnection
    from ..protocol.native.options import NativePeer
    from ..protocol.profile import ProfileName
    from ..protocol.session import TraceContext
    from .event_loop import EventLoopThread
    from .handler_threads import HandlerThreads

A = TypeVar("A")
M = TypeVar("M", bound=Message)


class PeerEndpoint(BlockingEndpoint[M]):
    def __init__(
        self,
        inner: AsyncClient | AsyncConnection,
        thread: EventLoopThread,
        handlers: HandlerThreads,
        options: ParsedOptions,
    ) -> None:
        super().__init__(inner, thread, handlers)
        self._peer = inner
        self._outbox = Outbox(inner, thread, options)

    @property
    def profile(self) -> ProfileName:
        """The present protocol, or the last one: ``"classic"`` is golang-ipc's, ``"native"`` is sealpipe's own."""
        return self._peer.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        return self._peer.encrypted

    @property
    def peer(self) -> NativePeer | None:
        """What a native peer declares about its process; without a connection, what the last one declared."""
        return self._peer.peer

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return self._outbox.queued_bytes + self._peer.queued_bytes

    def request(
        self, type: int, data: MessageData, *, timeout: float | None = None, context: TraceContext | None = None
    ) -> Answer:
        """Sends a request to the peer, and waits for its answer, for ever or ``timeout`` seconds. Then, or if the
        wait is interrupted, the request is cancelled; the handler may have done its work all the same.

        Raises a RemoteError, what its handler raised; a PeerError ``ERR_REQUEST_TIMEOUT``, or ``ERR_PEER_NOT_NATIVE``
        if the peer speaks golang-ipc's wire, or as ``sealpipe.aio``'s ``request``; or a CallerError as ``write``, or
        ``ERR_INVALID_OPTION``."""
        asked = to_bytes(data)
        return self._ask(lambda: self._peer.request(type, asked, context=context), timeout)

    @abstractmethod
    def flush(self) -> None:
        """Returns once everything written has left this process."""

    def _ask(self, act: Callable[[], Coroutine[Any, Any, A]], timeout: float | None) -> A:
        """What the peer answers. Raises a PeerError ``ERR_REQUEST_TIMEOUT``, or a CallerError ``ERR_CLOSED`` or
        ``ERR_INVALID_OPTION``."""
        check_timeout(timeout)
        self._peer._check_open()

        async def ask() -> A:
            if self._thread.is_stopped:
                raise closed_error()
            # What the caller wrote before is before it.
            self._outbox.pump()
            try:
                return await asyncio.wait_for(act(), timeout)
            except asyncio.TimeoutError:
                raise PeerError("ERR_REQUEST_TIMEOUT", f"no answer came within {timeout:g} s") from None

        return self._thread.run(ask())

    async def _close(self) -> None:
        self._outbox.pump()
        await self._peer.close()
