"""Streams that the peer has opened: their handlers run, or wait for one that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Generic, TypeVar

from ...protocol.session import Failure
from ..messages.message import MessageData
from ..requests.request_failure import failure_of
from .stream import Stream

S = TypeVar("S", bound=Stream)

StreamHandler = Callable[[S], AsyncIterable[MessageData] | Awaitable[None]]
"""Handles streams of one type that the peer opens.

An async generator's items are written to the stream. When the handler is done, this end's direction ends, and the
peer's items that are unread are dropped; what it raises resets the stream, as a request's handler fails the request."""


class HandledStreams(Generic[S]):
    def __init__(self, max_concurrent: int) -> None:
        """``max_concurrent``: max number of handlers that run at a time: a peer may reset a stream whose handler goes
        on, and open the next, which then waits."""
        self._max_concurrent = max_concurrent
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: dict[S, StreamHandler[S]] = {}
        """In order. Those that are over are not among them."""

    def handle(self, stream: S, handler: StreamHandler[S]) -> None:
        self._waiting[stream] = handler
        self._run_next()

    def over(self, stream: S) -> None:
        self._waiting.pop(stream, None)

    def lost(self) -> None:
        """The session is lost: no stream waits any more."""
        self._waiting.clear()

    async def when_done(self) -> None:
        """Returns once no handler runs any more, except the one that calls this."""
        while others := self._running - {asyncio.current_task()}:
            await asyncio.wait(others)

    def _run_next(self) -> None:
        if not self._waiting or len(self._running) >= self._max_concurrent:
            return
        stream = next(iter(self._waiting))
        task = asyncio.get_running_loop().create_task(self._run(self._waiting.pop(stream), stream))
        stream._task = task
        self._running.add(task)
        task.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._run_next()

    async def _run(self, handler: StreamHandler[S], stream: S) -> None:
        try:
            await _call(handler, stream)
            stream.end()
            stream.stop()
        except asyncio.CancelledError:
            stream._reset(Failure("ERR_HANDLER_FAILED", "the handler was cancelled"))
            raise
        except Exception as error:
            # A write is how a handler finds out that the peer wants no more: letting that error through is an end in
            # order.
            if getattr(error, "code", None) == "ERR_STREAM_STOPPED":
                stream.stop()
            else:
                stream._reset(failure_of(error))


async def _call(handler: StreamHandler[S], stream: S) -> None:
    handled = handler(stream)
    if not isinstance(handled, AsyncIterable):
        await handled
        return
    items = aiter(handled)
    try:
        async for item in items:
            await stream.write(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
