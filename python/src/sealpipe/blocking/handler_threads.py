"""The threads in which the handlers of a server or a client run."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeVar

from ..endpoint.requests.request import HandlerAnswer, Request
from ..errors import CallerError

R = TypeVar("R", bound=Request)

BlockingHandler = Callable[[R], HandlerAnswer]
"""Answers requests of one type, in a thread of the library's own. It may block."""

MAX_THREADS = 32
"""Further requests wait until one of that many handlers is done."""

_of_this_thread = threading.local()


class HandlerThreads:
    """As many threads as handlers have run at a time, up to the limit. They do not keep the process alive."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0
        """Calls that wait or run."""

    def check_may_wait(self) -> None:
        """Raises a RuntimeError if the caller is one of the threads: to wait for them all would wait for itself."""
        if getattr(_of_this_thread, "owner", None) is self:
            raise RuntimeError("a handler must not close what it handles requests of: that waits for the handler")

    def running(self, handler: BlockingHandler[Any]) -> Callable[[Any], Coroutine[Any, Any, HandlerAnswer]]:
        """The handler for the loop's thread, which has it called in one of these.

        Raises a CallerError ``ERR_INVALID_ARGUMENT`` if it is no plain function."""
        if not callable(handler) or inspect.iscoroutinefunction(handler):
            raise CallerError("ERR_INVALID_ARGUMENT", f"a handler must be a function that is no coroutine: {handler!r}")

        async def run(request: Any) -> HandlerAnswer:
            return await self._run(lambda: handler(request))

        return run

    def end(self) -> None:
        """Threads whose handler is done end."""
        for _ in range(self._threads):
            self._calls.put(None)

    async def _run(self, act: Callable[[], HandlerAnswer]) -> HandlerAnswer:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[HandlerAnswer] = loop.create_future()
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

        def settle(answer: HandlerAnswer, error: Exception | None) -> None:
            self._busy -= 1
            if error is None:
                done.set_result(answer)
            else:
                done.set_exception(error)

        self._busy += 1
        if self._busy > self._threads < MAX_THREADS:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"sealpipe-handler-{self._threads}", daemon=True).start()
        self._calls.put(work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            # A thread cannot be interrupted. Until it is done, its request counts as one that is handled.
            wanted = False
            await asyncio.wait([done])
            done.exception()
            raise

    def _serve(self) -> None:
        _of_this_thread.owner = self
        while (call := self._calls.get()) is not None:
            call()
