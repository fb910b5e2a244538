"""A client that stays connected: when the server goes, it waits for it to come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import PeerError, SealpipeError
from ..protocol.message import check_message
from ..transport.providers import provider_of
from .connector import Connector, ConnectorTarget
from .endpoint import Endpoint
from .inbox import closed_error
from .message import Message, MessageData, to_bytes
from .offline_queue import OfflineQueue
from .read_quota import ReadQuota
from .write_gate import WriteGate

if TYPE_CHECKING:
    from ..protocol.engine import OpenEvent
    from ..protocol.message import MessageContent
    from ..protocol.profile import ProfileName
    from ..transport.address import Address
    from .engine_driver import EngineDriver
    from .options import ParsedClientOptions


class Client(Endpoint[Message]):
    def __init__(self, name: str, address: Address, options: ParsedClientOptions) -> None:
        super().__init__(options)
        self.name = name
        """The name it was started with."""
        self.address = address.path
        """Where it connects: the socket's path or the pipe's name."""
        self._options = options
        self._gate = WriteGate(options.max_queued_bytes)
        self._quota = ReadQuota(options.max_queued_bytes)
        self._offline = OfflineQueue()
        self._driver: EngineDriver | None = None
        self._opened: OpenEvent | None = None
        self._closing: asyncio.Task[None] | None = None
        self._destroyed = False
        """The first ``destroy`` is the one that counts."""
        self._destroy_error: BaseException | None = None
        self._failure: SealpipeError | None = None
        """What ended the client, where that was not a call of ``close``."""
        self._connector = Connector(
            ConnectorTarget(
                address=address,
                provider=provider_of(address),
                options=options,
                quota=self._quota,
                retrying=self._tell_error,
                taker=_Taker(self),
            )
        )
        self._set_status("connecting")
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    @property
    def profile(self) -> ProfileName:
        """The protocol that is spoken, or was last: ``"classic"`` is golang-ipc's."""
        return "classic" if self._opened is None else self._opened.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        return self._options.encryption if self._opened is None else self._opened.encrypted

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return self._offline.queued_bytes + (0 if self._driver is None else self._driver.queued_bytes)

    async def write(self, type: int, data: MessageData) -> None:
        """Takes a message for the server, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        While the client reconnects, messages wait for the connection, in order, unless ``offline_queue`` is off. On the
        classic wire nothing tells what the server has read: a message that was on its way when the connection broke
        may or may not have arrived.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; or a PeerError ``ERR_TOO_LARGE_FOR_PEER``, ``ERR_NOT_CONNECTED`` if
        ``offline_queue`` is off, or ``ERR_QUEUE_FULL`` if several writes did not wait for each other.
        """
        self._take(type, to_bytes(data))
        await self._gate.room_at(self.queued_bytes)

    async def flush(self) -> None:
        """Returns once everything written has left this process; waits for the connection where there is none.

        Raises a PeerError ``ERR_CONNECTION_LOST`` where the connection broke with something still to be sent, what else
        made it fail, or a CallerError ``ERR_CLOSED``.
        """
        if self._ended:
            raise closed_error(self._failure)
        await self._gate.flush_at(self.queued_bytes)

    async def close(self) -> None:
        """Ends the client in order: what was written is sent first, reads that wait raise ``ERR_CLOSED``.

        What was not read is dropped, and so is what waits for a connection that is not there; ``flush`` first to wait
        for it. Returns once it is closed: a peer gets ``close_timeout`` to take each
        tenth of what was written, and ten times that in all.
        """
        self._start_close()
        await self._when_closed.wait()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection at once, and what was written with it.

        What waits for a message or a ``flush`` raises ``error``, and the status becomes ``error``; without one,
        ``ERR_CLOSED`` and ``closed``. ``on_error`` is not called.
        """
        if not self._destroyed:
            self._destroyed = True
            self._destroy_error = error
        self._inbox.end(error, "drop")
        if self._driver is not None:
            self._driver.destroy()
        self._start_close()
        self._connector.destroy()

    async def connected(self) -> Client:
        """Returns the client once it is connected for the first time; raises what keeps it from that.

        Whoever is cancelled here has no client: it is closed then.
        """
        try:
            await asyncio.shield(self._connecting)
        except asyncio.CancelledError:
            self._start_close()
            raise
        if self._failure is not None:
            raise self._failure
        return self

    @property
    def _ended(self) -> bool:
        return self._closing is not None or self._failure is not None

    def _take(self, type: int, data: bytes) -> None:
        if self._ended:
            raise closed_error(self._failure)
        # A connection that is gone stays ours until what came by it is read.
        driver = self._driver if self._driver is not None and self._driver.can_send else None
        if driver is None and not self._options.offline_queue:
            raise PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offline_queue is off")
        self._gate.check_room(self.queued_bytes)
        if driver is None:
            check_message(type, len(data), self._options.max_message_bytes)
            self._offline.push(type, data)
        else:
            driver.send(type, data)

    async def _connect(self) -> None:
        try:
            await self._connector.establish()
        except SealpipeError as error:
            await self._fail(error)

    async def _reconnect(self) -> None:
        try:
            await self._connector.reestablish()
        except SealpipeError as error:
            await self._fail(error)

    def _start_close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._inbox.end(None, "drop")

    async def _close(self) -> None:
        if self._failure is not None:
            return
        self._set_status("closing")
        self._connecting.cancel()
        if self._driver is not None:
            self._driver.close()
        # The task first: in it a handshake that is under way begins to close.
        await asyncio.wait([self._connecting])
        await self._connector.when_released()
        self._offline.take_all()
        self._gate.end(self._destroy_error or closed_error())
        self._set_status("closed" if self._destroy_error is None else "error")
        self._when_closed.set()

    async def _fail(self, failure: SealpipeError) -> None:
        if self._closing is not None:
            return
        self._failure = failure
        self._inbox.end(failure, "keep")
        self._offline.take_all()
        self._gate.end(failure)
        self._set_status("timeout" if failure.code == "ERR_CONNECT_TIMEOUT" else "error")
        self._tell_error(failure)
        # Not waited for here: whoever waits for the connection has its answer.
        self._releasing = asyncio.get_running_loop().create_task(self._release())

    async def _release(self) -> None:
        await self._connector.when_released()
        self._when_closed.set()

    # From the connection of now.

    def _taken(self, driver: EngineDriver, event: OpenEvent) -> None:
        self._driver = driver
        self._opened = event
        self._send_offline(driver)
        self._set_status("connected")

    def _message(self, content: MessageContent) -> None:
        self._inbox.deliver(Message(content.type, content.data), self._quota)

    def _progressed(self) -> None:
        self._gate.progressed(self.queued_bytes)

    def _lost(self, error: PeerError | None) -> None:
        self._driver = None
        if self._closing is not None:
            if error is not None:
                self._tell_error(error)
            return
        # A flush that still waits waits for what is lost now.
        lost = PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left")
        self._gate.lost(error or lost)
        # What was queued is gone, so there is room.
        self._gate.progressed(self.queued_bytes)
        self._set_status("reconnecting")
        if error is not None:
            self._tell_error(error)
        self._connecting = asyncio.get_running_loop().create_task(self._reconnect())

    def _send_offline(self, driver: EngineDriver) -> None:
        errors: list[SealpipeError] = []
        for type, data in self._offline.take_all():
            try:
                driver.send(type, data)
            except SealpipeError as refused:
                # The server of now takes less than the one of then: that message is told, the others go on.
                errors.append(refused)
        # Not before all are sent: a callback may write.
        for error in errors:
            self._tell_error(error)
        self._gate.progressed(self.queued_bytes)


class _Taker:
    """An engine's events by the client's own names, which users do not see."""

    def __init__(self, client: Client) -> None:
        self.taken = client._taken
        self.message = client._message
        self.progressed = client._progressed
        self.closed = client._lost

    def opened(self, event: OpenEvent) -> None: ...

    def released(self) -> None: ...
