"""The threads in which the handlers of a server or a client run."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..endpoint.messages.message import MessageData
from ..endpoint.requests.request import HandlerAnswer, Request
from ..errors import CallerError
from .stream import Stream

if TYPE_CHECKING:
    from ..endpoint.admin.admin_handlers import ShutdownRequest

A = TypeVar("A")
R = TypeVar("R", bound=Request)
S = TypeVar("S", bound=Stream)

BlockingHandler = Callable[[R], HandlerAnswer]
"""Answers requests of one type, in a thread of the library's own. It may block."""

BlockingStreamHandler = Callable[[S], Iterator[MessageData] | None]
"""Handles streams of one type that the peer opens, in a thread of the library's own. It may block.

A generator's items are written to the stream. When the handler is done, this end's direction ends, and the peer's items
that are unread are dropped; what it raises resets the stream, as a request's handler fails the request."""

MAX_THREADS = 32
"""Further requests wait until one of that many handlers is done."""
MAX_STREAM_THREADS = 256
"""The same for streams, which last longer."""

_of_this_thread = threading.local()


class HandlerThreads:
    """Those of one server or client. They do not keep the process alive."""

    def __init__(self) -> None:
        self._requests: _Pool[HandlerAnswer] = _Pool(self, "handler", MAX_THREADS)
        self._streams: _Pool[None] = _Pool(self, "stream", MAX_STREAM_THREADS)

    def check_may_wait(self) -> None:
        """Raises a RuntimeError if the caller is one of the threads: to wait for them all would wait for itself."""
        if getattr(_of_this_thread, "owner", None) is self:
            raise RuntimeError("a handler must not close what it handles requests of: that waits for the handler")

    def running(self, handler: BlockingHandler[Any]) -> Callable[[Any], Coroutine[Any, Any, HandlerAnswer]]:
        """The handler for the loop's thread, which has it called in one of these.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if it is no plain function."""
        _check_plain(handler)

        async def run(request: Any) -> HandlerAnswer:
            return await self._requests.run(lambda: handler(request))

        return run

    def running_stream(
        self, handler: BlockingStreamHandler[Any], face: Callable[[Any], Stream]
    ) -> Callable[[Any], Coroutine[Any, Any, None]]:
        """The same for a handler of streams, which gets the ``face`` of each."""
        _check_plain(handler)

        async def run(inner: Any) -> None:
            stream = face(inner)
            await self._streams.run(lambda: _handle(handler, stream))

        return run

    def end(self) -> None:
        """Threads whose handler is done end."""
        self._requests.end()
        self._streams.end()


class ShutdownThread:
    """A handler of shutdowns runs in a thread of its own, as it may close the server."""

    def __init__(self, handler: Callable[[ShutdownRequest[Any]], None], face: Callable[[Any], Any]) -> None:
        """``face`` makes of a request the one that the handler gets. Raises as :meth:`HandlerThreads.running`."""
        _check_plain(handler)
        self._handler = handler
        self._face = face
        self._runs = False

    def __call__(self, request: ShutdownRequest[Any]) -> None:
        """Begins, unless it runs already. Called by the loop's thread."""
        if not self._runs:
            self._runs = True
            threading.Thread(target=self._run, args=(self._face(request),), name="sealpipe-shutdown").start()

    def _run(self, request: ShutdownRequest[Any]) -> None:
        try:
            self._handler(request)
        finally:
            self._runs = False


class _Pool(Generic[A]):
    """As many threads as calls have run at a time, up to the limit."""

    def __init__(self, owner: HandlerThreads, name: str, max_threads: int) -> None:
        self._owner = owner
        self._name = name
        self._max_threads = max_threads
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0
        """Calls that wait or run."""

    def end(self) -> None:
        for _ in range(self._threads):
            self._calls.put(None)

    async def run(self, act: Callable[[], A]) -> A:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        wanted = True

        def work() -> None:
            answer, error = None, None
            try:
                answer = act() if wanted else None
            except BaseException as raised:
                error = raised if isinstance(raised, Exception) else RuntimeError(f"the handler raised {raised!r}")
            # The loop may be closed by now: nobody waits then.
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, answer, error)

        def settle(answer: A | None, error: Exception | None) -> None:
            self._busy -= 1
            if error is None:
                done.set_result(answer)
            else:
                done.set_exception(error)

        self._busy += 1
        if self._busy > self._threads < self._max_threads:
            self._threads += 1
            name = f"sealpipe-{self._name}-{self._threads}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        self._calls.put(work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            # A thread cannot be interrupted. Until it is done, its call counts as one that runs.
            wanted = False
            await asyncio.wait([done])
            done.exception()
            raise

    def _serve(self) -> None:
        _of_this_thread.owner = self._owner
        while (call := self._calls.get()) is not None:
            call()


def _check_plain(handler: object) -> None:
    if not callable(handler) or inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        reason = f"a handler must be a function that is no coroutine and no async generator, not {handler!r}"
        raise CallerError("ERR_INVALID_ARGUMENT", reason)


def _handle(handler: BlockingStreamHandler[Any], stream: Stream) -> None:
    items = handler(stream)
    if items is None:
        return
    if not isinstance(items, Iterator):
        raise TypeError(f"a handler of streams must return None or be a generator, not return {items!r}")
    try:
        for item in items:
            stream.write(item)
    finally:
        # Here, in its thread, and now: what it holds is let go.
        close = getattr(items, "close", None)
        if close is not None:
            close()
