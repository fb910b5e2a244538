"""A client from its first try to connect to its end, over one connection after another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...errors import PeerError, SealpipeError
from ...transport.providers import provider_of
from ..call_options import check_timeout
from ..endpoint import Endpoint, call_safely
from ..link.lost_session import session_ended
from ..messages.message import Message
from ..reading.inbox import closed_error
from ..shutdown import Shutdown
from .connector import Connector, ConnectorTarget, connect_timeout
from .reconnect import is_resumable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ...protocol.profile import MessagesCame
    from ...transport.address import Address
    from ..driver.established import Established
    from ..link.link import Carried, Link
    from ..options.options import Retry
    from ..options.parse_options import ParsedClientOptions
    from ..reading.read_quota import ReadQuota
    from ..requests.request import Request
    from ..streams.stream import Stream


class ClientLife:
    """Takes the events of the present connection."""

    def __init__(
        self,
        client: Endpoint[Message],
        link: Link[Request, Stream],
        quota: ReadQuota,
        address: Address,
        options: ParsedClientOptions,
    ) -> None:
        self._client = client
        self._link = link
        self._quota = quota
        self._options = options
        self._shutdown = Shutdown()
        self._closing: asyncio.Task[None] | None = None
        self.established: Established | None = None
        """The present connection, or the last one."""
        self._failure: SealpipeError | None = None
        """What ended the client, if that was not a call of ``close``."""
        self._is_over = False
        """It has ended, and not by a call of ``close``."""
        self._lost_by: SealpipeError | None = None
        self.happened = link.received
        self.progressed = link.progressed
        self._connector = Connector(
            ConnectorTarget(
                address=address,
                provider=provider_of(address),
                options=options,
                retrying=self._retrying,
                quota=quota,
                session=lambda: link.native,
                take_over=self._take_over,
            )
        )
        client._set_status("connecting")
        self._connecting = self._trying(self._connector.establish)

    @property
    def last_error(self) -> SealpipeError | None:
        """Why it is not connected: the failure of its last try, of its connection, or the one that ended it."""
        if self._client.status == "connected":
            return None
        return self._failure or self._connector.last_error or self._lost_by

    @property
    def has_ended(self) -> bool:
        """Whether it does nothing more."""
        return self._shutdown.has_begun or self._is_over

    def check_open(self) -> None:
        """Raises a CallerError ``ERR_CLOSED``. Any thread may call this."""
        if self._shutdown.has_begun or self._is_over:
            raise closed_error(self._failure)

    def check_sends(self) -> None:
        """Raises a CallerError ``ERR_CLOSED``, or a PeerError ``ERR_NOT_CONNECTED`` if nothing can be written now."""
        if self._shutdown.has_begun or self._is_over:
            raise closed_error(self._failure)
        if not self._options.offline_queue and not self._link.is_connected:
            raise PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offline_queue is off")

    async def connected(self, timeout: float | None) -> None:
        """Returns once it is connected."""
        check_timeout(timeout)
        if not self.has_ended and self._client.status != "connected":
            # Connected is also a client whose connection is lost again by the time that this goes on.
            done, _ = await asyncio.wait([self._connecting], timeout=timeout)
            if not done and timeout is not None:
                raise connect_timeout(self._connector.address, timeout, self.last_error)
            for task in done:
                if not task.cancelled():
                    task.result()
        if self.has_ended:
            raise self._failure or self._shutdown.error or closed_error()

    def close(self) -> None:
        """Ends in order."""
        if self._shutdown.begin():
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._client._inbox.end(None, "drop")

    def destroy(self, error: BaseException | None) -> None:
        """Ends at once."""
        self._shutdown.destroyed(error)
        self._client._inbox.end(error, "drop")
        if self._link.driver is not None:
            self._link.driver.destroy()
        self.close()
        self._connector.destroy()

    # Called by the present connection.

    def messages(self, event: MessagesCame) -> None:
        session = self._link.native
        lane = None if session is None else session.incoming.messages
        for type, data, position in event.messages:
            message = Message(type, data)
            message._lane = lane
            message._position = position
            self._client._inbox.deliver(message, self._quota)

    def closed(self, error: PeerError | None) -> None:
        if self._shutdown.has_begun:
            self._link.detach()
            if error is not None:
                self._client._tell_error(error)
            return
        self._lost_by = error
        if not self._options.retry:
            self._finish(error)
            return
        carried = None
        session = self._link.session
        if session is not None and session.is_resumable and is_resumable(error):
            self._link.detach()
        else:
            carried = self._link.lose(error or _lost_unsent())
        self._client._set_status("reconnecting")
        if error is not None:
            self._client._tell_error(error)
        if carried is not None:
            self._tell_of(carried, lost_something=carried.lost.is_anything)
        # The queue may be gone, so there is room.
        self._link.progressed()
        self._connecting = self._trying(lambda: self._connector.reestablish(error))

    def _trying(self, establish: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        async def connect() -> None:
            try:
                await establish()
            except SealpipeError as error:
                # A client that was closed meanwhile has not failed: its close determines how it ends.
                if not self._shutdown.has_begun:
                    self._finish(error)

        return asyncio.get_running_loop().create_task(connect())

    def _take_over(self, established: Established) -> ClientLife:
        driver, event = established.driver, established.event
        ended = session_ended(None if event.native is None else event.native.session_ended)
        self.established = established
        carried = self._link.attach(driver, event.session, ended)
        self._client._set_status("connected")
        if ended is not None:
            self._client._tell_error(ended)
        if carried is not None:
            self._tell_of(carried, lost_something=carried.was_resumable)
        self._link.progressed()
        return self

    def _retrying(self, retry: Retry, is_news: bool) -> None:
        if is_news and retry.error is not None:
            self._client._tell_error(retry.error)
        call_safely(self._options.on_retrying, retry)

    def _tell_of(self, carried: Carried, *, lost_something: bool) -> None:
        if lost_something:
            call_safely(self._options.on_session_lost, carried.lost)
        for error in carried.message_errors:
            self._client._tell_error(error)

    async def _close(self) -> None:
        if self._is_over:
            return
        self._client._set_status("closing")
        self._connecting.cancel()
        self._connector.close()
        if self._link.driver is not None:
            self._link.driver.close()
        # The task first: a handshake that is under way in it begins to close.
        await asyncio.wait([self._connecting])
        await self._connector.when_released()
        self._link.end(self._shutdown.error or closed_error())
        await self._link.when_done()
        self._client._set_status(self._shutdown.status)
        self._client._when_closed.set()

    def _finish(self, failure: SealpipeError | None) -> None:
        """Without a failure, the server has closed in order."""
        self._is_over = True
        self._failure = failure
        self._client._inbox.end(failure, "keep")
        lost = self._link.end(failure or _lost_unsent())
        if failure is None:
            self._client._set_status("disconnected")
        else:
            self._client._set_status("timeout" if failure.code == "ERR_CONNECT_TIMEOUT" else "error")
        if lost.is_anything:
            call_safely(self._options.on_session_lost, lost)
        if failure is not None:
            self._client._tell_error(failure)
        # Not awaited here: callers that wait for the connection have their result.
        self._releasing = asyncio.get_running_loop().create_task(self._release())

    async def _release(self) -> None:
        await self._connector.when_released()
        await self._link.when_done()
        self._client._when_closed.set()


def _lost_unsent() -> PeerError:
    return PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left")
