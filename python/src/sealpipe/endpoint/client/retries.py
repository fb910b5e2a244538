"""When a client tries again: after pauses that grow, or as soon as the socket's directory shows a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..options.options import Retry
from .pause import Pause
from .reconnect import Backoff, is_absence, is_crowded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...errors import SealpipeError
    from ...transport.address import Address
    from ...transport.transport import TransportProvider, Watch
    from ..options.parse_options import ParsedClientOptions

# When a server appears, the next try comes no sooner than this after the last, in seconds.
_MIN_PAUSE = 0.1


@dataclass(frozen=True)
class RetriesTarget:
    address: Address
    provider: TransportProvider
    options: ParsedClientOptions
    retrying: Callable[[Retry, bool], None]
    """There will be another try, after a pause. The second argument: its error is worth reporting, because it is more
    than an absent server."""


class Retries:
    def __init__(self, target: RetriesTarget) -> None:
        self._target = target
        self._backoff = Backoff(target.options.retry_delay, target.options.max_retry_delay)
        self._pause = Pause()
        self._attempt = 1
        """The number of the next try since the client was last connected."""
        self._tried_at = 0.0
        self._watch: Watch | None = None
        self._address_changed = False
        """Something has appeared at the address or gone since the last try began."""

    def try_begins(self) -> None:
        self._tried_at = asyncio.get_running_loop().time()
        self._address_changed = False

    def connected(self) -> None:
        """The try has succeeded."""
        self._backoff.reset()
        self._attempt = 0

    async def wait_after_failure(self, error: SealpipeError) -> None:
        """Waits after a try that failed."""
        if is_crowded(error):
            self._backoff.reset()
        await self._wait(error, is_news=not is_absence(error))

    async def wait_after(self, lost: SealpipeError | None) -> None:
        """Waits after a connection that was lost. ``lost``: by what, if not in order."""
        await self._wait(lost, is_news=False)

    def stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self._watch = None

    async def _wait(self, error: SealpipeError | None, *, is_news: bool) -> None:
        self._attempt += 1
        # A server that appeared before the watch was opened is found by one more try, soon.
        watches_anew = self._start_watching()
        delay = min(self._backoff.next(), _MIN_PAUSE) if watches_anew else self._backoff.next()
        self._target.retrying(Retry(self._attempt, error, delay), is_news)
        if self._address_changed:
            delay = min(delay, self._until_next_try())
        await self._pause.wait(delay)

    def _start_watching(self) -> bool:
        """Whether there was no watch before."""
        if self._watch is not None and self._watch.is_open:
            return False
        self._watch = self._target.provider.watch(self._target.address, self._changed)
        return self._watch is not None and self._watch.is_open

    def _changed(self) -> None:
        self._address_changed = True
        self._pause.end_in(self._until_next_try())

    def _until_next_try(self) -> float:
        since = asyncio.get_running_loop().time() - self._tried_at
        return max(0, min(_MIN_PAUSE, self._target.options.retry_delay) - since)
