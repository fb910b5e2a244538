"""Tries to reach a server until it does, the time is over, or trying again makes no sense."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..errors import PeerError, SealpipeError, SystemError
from .engine_driver import DriverHandler, DriverOptions, EngineDriver
from .reconnect import Backoff, is_absence, is_crowded, is_passing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..protocol.engine import OpenEvent
    from ..protocol.message import MessageContent
    from ..transport.address import Address
    from ..transport.transport import TransportProvider
    from .options import ParsedClientOptions
    from .read_quota import ReadQuota

_UNFINISHED = (
    "a server accepted the connection and did not finish the handshake. The likely cause is a golang-ipc server that"
    " already has its one client"
)


@dataclass(frozen=True)
class ConnectorTarget:
    address: Address
    provider: TransportProvider
    options: ParsedClientOptions
    quota: ReadQuota
    """What the application has yet to read, of all connections in turn."""
    retrying: Callable[[SealpipeError], None]
    """A try failed and there will be another. Not told of a server that is merely not there."""
    taker: ConnectionTaker


class ConnectionTaker(DriverHandler, Protocol):
    """Who is told what happens to an engine once it is open."""

    def taken(self, driver: EngineDriver, event: OpenEvent) -> None:
        """It has just opened; its first message comes after this."""


class Connector:
    def __init__(self, target: ConnectorTarget) -> None:
        self._target = target
        options = target.options
        self._backoff = Backoff(options.retry_delay, options.max_retry_delay)
        self._try: _Try | None = None
        self._last_error: SealpipeError | None = None
        self._expired = False
        self._destroyed = False

    async def when_released(self) -> None:
        """Returns once the transport of the last try is gone."""
        if self._try is not None:
            await self._try.gone.wait()

    async def establish(self) -> None:
        """Returns once an engine is open and taken. The task that runs this is the connector's own.

        Raises a SystemError ``ERR_CONNECT_TIMEOUT`` or ``ERR_CONNECT_FAILED``, or a PeerError where the handshake
        failed for good.
        """
        timeout = self._target.options.connect_timeout
        task = asyncio.current_task()
        self._last_error = None
        self._expired = False
        timer = None
        if timeout is not None:
            timer = asyncio.get_running_loop().call_later(timeout, self._expire, task)
        try:
            await self._try_until_open()
        except asyncio.CancelledError:
            if timeout is None or not self._expired:
                raise
            raise _connect_timeout(self._target.address, timeout, self._last_error) from self._last_error
        finally:
            if timer is not None:
                timer.cancel()

    async def reestablish(self) -> None:
        """The same, after the pause that a lost connection is given."""
        await asyncio.sleep(self._backoff.next())
        await self.establish()

    def destroy(self) -> None:
        """Drops a handshake that is under way, for good; the caller has cancelled the task."""
        self._destroyed = True
        if self._try is not None:
            self._try.destroy()

    def _expire(self, task: asyncio.Task[object] | None) -> None:
        self._expired = True
        if task is not None:
            task.cancel()

    async def _try_until_open(self) -> None:
        while True:
            try:
                await self._try_once()
                self._backoff.reset()
                return
            except SealpipeError as error:
                if not is_passing(error):
                    raise
                self._last_error = error
                if is_crowded(error):
                    self._backoff.reset()
                if not is_absence(error):
                    self._target.retrying(error)
            await asyncio.sleep(self._backoff.next())

    async def _try_once(self) -> None:
        target = self._target
        transport = await target.provider.connect(target.address)
        # Until it is known better, for the error of a time that is over meanwhile.
        self._last_error = PeerError("ERR_HANDSHAKE_TIMEOUT", _UNFINISHED)
        self._try = attempt = _Try(target.taker)
        driver_options = DriverOptions(
            role="client",
            encryption=target.options.encryption,
            limits=target.options.limits,
            quota=target.quota,
        )
        attempt.driver = EngineDriver(transport, driver_options, attempt)
        attempt.driver.start()
        try:
            await attempt.opened_or_failed
        except asyncio.CancelledError:
            if attempt.is_taken:
                return
            # In order, not at once: a golang-ipc server stops serving when a client hangs up in the handshake.
            attempt.close()
            if self._destroyed:
                attempt.destroy()
            raise


class _Try:
    """One engine on its way to being open; then its events are the taker's."""

    driver: EngineDriver

    def __init__(self, taker: ConnectionTaker) -> None:
        self._taker = taker
        self.is_taken = False
        self.gone = asyncio.Event()
        self.opened_or_failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        self.driver.close()

    def destroy(self) -> None:
        self.driver.destroy()

    def opened(self, event: OpenEvent) -> None:
        # Whoever waited may be gone; the engine is closing then, and opens without an event.
        self.is_taken = True
        self._taker.taken(self.driver, event)
        if not self.opened_or_failed.done():
            self.opened_or_failed.set_result(None)

    def message(self, content: MessageContent) -> None:
        self._taker.message(content)

    def progressed(self) -> None:
        if self.is_taken:
            self._taker.progressed()

    def closed(self, error: PeerError | None) -> None:
        if self.is_taken:
            self._taker.closed(error)
        elif not self.opened_or_failed.done():
            lost = PeerError("ERR_CONNECTION_LOST", "closed in the handshake")
            self.opened_or_failed.set_exception(error or lost)

    def released(self) -> None:
        self.gone.set()
        if self.is_taken:
            self._taker.released()


def _connect_timeout(address: Address, seconds: float, last: SealpipeError | None) -> SystemError:
    reason = "" if last is None else f"; the last try: {last.message}"
    return SystemError("ERR_CONNECT_TIMEOUT", f"no server was reached at {address.path} within {seconds:g} s{reason}")
