"""Tries to reach a server until it succeeds, the time is over, or another try makes no sense."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import PeerError, SealpipeError, SystemError
from ..driver.driver_handler import Deaf
from ..driver.engine_driver import DriverOptions, EngineDriver
from ..driver.established import Established
from ..options.native_options import native_options
from .reconnect import is_passing
from .retries import Retries, RetriesTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.engine_options import OpenEvent
    from ...protocol.native.session import NativeSession
    from ...transport.address import Address
    from ..driver.driver_handler import ConnectionEvents
    from ..driver.established import TakeOver
    from ..reading.read_quota import ReadQuota

# A server that is merely busy answers sooner.
_LONG_SILENCE = 0.15


@dataclass(frozen=True)
class ConnectorTarget(RetriesTarget):
    quota: ReadQuota
    """How much the application has yet to read, of all successive connections."""
    session: Callable[[], NativeSession | None]
    """The session to resume, if there is one."""
    take_over: TakeOver


class Connector:
    def __init__(self, target: ConnectorTarget) -> None:
        self._target = target
        self._retries = Retries(target)
        self._try: _Try | None = None
        self._last_error: SealpipeError | None = None
        self._expired = False
        self._destroyed = False

    @property
    def last_error(self) -> SealpipeError | None:
        """Why the last try failed, of those since the client was last connected."""
        return self._last_error

    @property
    def address(self) -> Address:
        return self._target.address

    async def when_released(self) -> None:
        """Returns once the transport of the last try is gone."""
        if self._try is not None:
            await self._try.gone.wait()

    async def establish(self) -> None:
        """Returns once a connection is established and taken over. The task that runs this belongs to the connector.

        Raises a SystemError ``ERR_CONNECT_TIMEOUT`` or ``ERR_CONNECT_FAILED``, or a PeerError if the handshake
        failed for good."""
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
            raise connect_timeout(self._target.address, timeout, self._last_error) from self._last_error
        finally:
            self._retries.stop_watching()
            if timer is not None:
                timer.cancel()

    async def reestablish(self, lost: SealpipeError | None) -> None:
        """The same, after the pause that follows a lost connection. ``lost``: by what, if not in order."""
        try:
            await self._retries.wait_after(lost)
            await self.establish()
        finally:
            self._retries.stop_watching()

    def close(self) -> None:
        """Ends a handshake that is under way, in order; the caller cancels the task. That comes to know of it later: an
        event loop may bring the rest of the handshake first, as uvloop does."""
        if self._try is not None and not self._try.is_taken:
            self._try.driver.close()

    def destroy(self) -> None:
        """Drops a handshake that is under way; the caller has cancelled the task."""
        self._destroyed = True
        if self._try is not None:
            self._try.driver.destroy()

    def _expire(self, task: asyncio.Task[object] | None) -> None:
        self._expired = True
        if task is not None:
            task.cancel()

    async def _try_until_open(self) -> None:
        while True:
            try:
                await self._try_once()
                self._retries.connected()
                self._last_error = None
                return
            except SealpipeError as error:
                if not self._target.options.retry or not is_passing(error):
                    raise
                self._last_error = error
            await self._retries.wait_after_failure(self._last_error)

    async def _try_once(self) -> None:
        target = self._target
        self._retries.try_begins()
        transport = await target.provider.connect(target.address)
        self._try = attempt = _Try(target, transport.peer_pid)
        driver_options = DriverOptions(
            role="client",
            encryption=target.options.encryption,
            limits=target.options.limits,
            quota=target.quota,
            profile=target.options.profile,
            secret=target.options.secret,
            native=native_options(target.options, resumable=target.options.retry, session=target.session()),
        )
        attempt.driver = EngineDriver(transport, driver_options, attempt)
        attempt.driver.start()
        try:
            await attempt.opened_or_failed
        except PeerError as error:
            raise attempt.unfinished() if _is_silence(error) else error from None
        except asyncio.CancelledError:
            if attempt.is_taken:
                return
            # That of the try under way only if no earlier one says more.
            if not _is_silence(self._last_error):
                self._last_error = attempt.unfinished()
            # In order, not at once: a golang-ipc server stops serving when a client hangs up in the handshake.
            attempt.driver.close()
            if self._destroyed:
                attempt.driver.destroy()
            raise


class _Try(Deaf):
    """An engine that is being opened."""

    driver: EngineDriver

    def __init__(self, target: ConnectorTarget, server_pid: int | None) -> None:
        self._target = target
        self._server_pid = server_pid
        self._since = asyncio.get_running_loop().time()
        self.is_taken = False
        self.gone = asyncio.Event()
        self.opened_or_failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def unfinished(self) -> PeerError:
        """The error for a server that accepted a connection and has not finished the handshake: what is known of it."""
        seconds = asyncio.get_running_loop().time() - self._since
        who = "a server" if self._server_pid is None else f"a server (the process {self._server_pid})"
        done = "did not finish the handshake" if self.driver.has_heard else "said nothing"
        guess = "" if self.driver.has_heard or seconds < _LONG_SILENCE else _SILENT_SERVER
        reason = f"{who} accepted the connection and {done} within {seconds:.3g} s{guess}"
        return PeerError("ERR_HANDSHAKE_TIMEOUT", reason)

    def opened(self, event: OpenEvent) -> None:
        # The caller may be gone; then the engine is closing, and opens without an event.
        self.is_taken = True
        events = self._target.take_over(Established(event, self.driver, self._target.quota))
        self.driver.handler = _Taken(events, self.gone)
        if not self.opened_or_failed.done():
            self.opened_or_failed.set_result(None)

    def closed(self, error: PeerError | None) -> None:
        if not self.opened_or_failed.done():
            lost = PeerError("ERR_CONNECTION_LOST", "closed in the handshake")
            self.opened_or_failed.set_exception(error or lost)

    def released(self) -> None:
        self.gone.set()


class _Taken:
    """The handler of an engine that has opened: its events go to whoever took it over, without a step between."""

    def __init__(self, events: ConnectionEvents, gone: asyncio.Event) -> None:
        self.messages = events.messages
        self.happened = events.happened
        self.progressed = events.progressed
        self.closed = events.closed
        self.released = gone.set


_SILENT_SERVER = (
    ". It may hang, or be a golang-ipc server that already has its one client; it ignores every further one"
)


def _is_silence(error: SealpipeError | None) -> bool:
    return error is not None and error.code == "ERR_HANDSHAKE_TIMEOUT"


def connect_timeout(address: Address, seconds: float, last: SealpipeError | None) -> SystemError:
    reason = "" if last is None else f"; the last try: {last.message}"
    return SystemError("ERR_CONNECT_TIMEOUT", f"no server was reached at {address.path} within {seconds:g} s{reason}")
