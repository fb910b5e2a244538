"""Tries to reach a server until it succeeds, the time is over, or another try makes no sense."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...errors import PeerError, SealpipeError, SystemError
from ..driver.driver_handler import Deaf
from ..driver.engine_driver import DriverOptions, EngineDriver
from ..options.native_options import native_options
from ..options.options import Retry
from .pause import Pause
from .reconnect import Backoff, is_absence, is_crowded, is_passing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.engine_options import OpenEvent
    from ...protocol.native.session import NativeSession
    from ...protocol.profile import IncomingStreamEvent, MessagesCame, RequestEvent
    from ...transport.address import Address
    from ...transport.transport import TransportProvider, Watch
    from ..options.parse_options import ParsedClientOptions
    from ..reading.read_quota import ReadQuota

# When a server appears, the next try comes no sooner than this after the last, in seconds.
_MIN_PAUSE = 0.1
# A server that is merely busy answers sooner.
_LONG_SILENCE = 0.15


@dataclass(frozen=True)
class ConnectorTarget:
    address: Address
    provider: TransportProvider
    options: ParsedClientOptions
    quota: ReadQuota
    """How much the application has yet to read, of all successive connections."""
    session: Callable[[], NativeSession | None]
    """The session to go on with, if there was one."""
    retrying: Callable[[SealpipeError], None]
    """A try failed and there will be another. Not called for an absent server."""
    pausing: Callable[[Retry], None]
    """There will be another try, after a pause."""
    taker: ConnectionTaker


class ConnectionTaker(Protocol):
    """Callbacks for the events of an open engine."""

    def taken(self, driver: EngineDriver, event: OpenEvent) -> None:
        """The engine has just opened; its first message comes after this."""

    def messages(self, event: MessagesCame) -> None: ...

    def happened(self, event: RequestEvent | IncomingStreamEvent) -> None: ...

    def progressed(self) -> None: ...

    def closed(self, error: PeerError | None) -> None: ...


class Connector:
    def __init__(self, target: ConnectorTarget) -> None:
        self._target = target
        options = target.options
        self._backoff = Backoff(options.retry_delay, options.max_retry_delay)
        self._try: _Try | None = None
        self._last_error: SealpipeError | None = None
        self._expired = False
        self._destroyed = False
        self._attempt = 1
        self._pausing = Pause()
        self._tried_at = 0.0
        self._watch: Watch | None = None
        self._address_changed = False
        """Something has appeared at the address or gone since the last try began."""

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
        """Returns once an engine is open and handed over. The task that runs this belongs to the connector.

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
            self._stop_watching()
            if timer is not None:
                timer.cancel()

    async def reestablish(self, lost: SealpipeError | None) -> None:
        """The same, after the pause that follows a lost connection. ``lost``: by what, if not in order."""
        try:
            await self._pause(lost)
            await self.establish()
        finally:
            self._stop_watching()

    def close(self) -> None:
        """Ends a handshake that is under way, in order; the caller cancels the task. That comes to know of it later: an
        event loop may bring the rest of the handshake first, as uvloop does."""
        if self._try is not None and not self._try.is_taken:
            self._try.close()

    def destroy(self) -> None:
        """Drops a handshake that is under way; the caller has cancelled the task."""
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
                self._attempt = 0
                self._last_error = None
                return
            except SealpipeError as error:
                if not self._target.options.retry or not is_passing(error):
                    raise
                self._last_error = error
                if is_crowded(error):
                    self._backoff.reset()
                if not is_absence(error):
                    self._target.retrying(error)
            await self._pause(self._last_error)

    async def _pause(self, error: SealpipeError | None) -> None:
        self._attempt += 1
        # A server that appeared before the watch was opened is found by one more try, soon.
        watches_anew = self._start_watching()
        delay = min(self._backoff.next(), _MIN_PAUSE) if watches_anew else self._backoff.next()
        self._target.pausing(Retry(self._attempt, error, delay))
        if self._address_changed:
            delay = min(delay, self._until_next_try())
        await self._pausing.wait(delay)

    def _start_watching(self) -> bool:
        """Whether there was no watch before."""
        if self._watch is not None and self._watch.is_open:
            return False
        self._watch = self._target.provider.watch(self._target.address, self._changed)
        return self._watch is not None and self._watch.is_open

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self._watch = None

    def _changed(self) -> None:
        self._address_changed = True
        self._pausing.end_in(self._until_next_try())

    def _until_next_try(self) -> float:
        since = asyncio.get_running_loop().time() - self._tried_at
        return max(0, min(_MIN_PAUSE, self._target.options.retry_delay) - since)

    async def _try_once(self) -> None:
        target = self._target
        self._tried_at = asyncio.get_running_loop().time()
        self._address_changed = False
        transport = await target.provider.connect(target.address)
        self._try = attempt = _Try(target.taker, transport.peer_pid)
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
            attempt.close()
            if self._destroyed:
                attempt.destroy()
            raise


class _Try(Deaf):
    """An engine that is being opened; once open, its events go to another handler."""

    driver: EngineDriver

    def __init__(self, taker: ConnectionTaker, server_pid: int | None) -> None:
        self._taker = taker
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

    def close(self) -> None:
        self.driver.close()

    def destroy(self) -> None:
        self.driver.destroy()

    def opened(self, event: OpenEvent) -> None:
        # The caller may be gone; then the engine is closing, and opens without an event.
        self.is_taken = True
        self._taker.taken(self.driver, event)
        if not self.opened_or_failed.done():
            self.opened_or_failed.set_result(None)

    def messages(self, event: MessagesCame) -> None:
        self._taker.messages(event)

    def happened(self, event: RequestEvent | IncomingStreamEvent) -> None:
        self._taker.happened(event)

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


_SILENT_SERVER = (
    ". It may hang, or be a golang-ipc server that already has its one client; it ignores every further one"
)


def _is_silence(error: SealpipeError | None) -> bool:
    return error is not None and error.code == "ERR_HANDSHAKE_TIMEOUT"


def connect_timeout(address: Address, seconds: float, last: SealpipeError | None) -> SystemError:
    reason = "" if last is None else f"; the last try: {last.message}"
    return SystemError("ERR_CONNECT_TIMEOUT", f"no server was reached at {address.path} within {seconds:g} s{reason}")
