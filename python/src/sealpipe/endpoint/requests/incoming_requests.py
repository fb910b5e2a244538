"""Requests from the peer."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from typing import TYPE_CHECKING, Generic

from ...errors import SealpipeError
from ...protocol.profile import AdminRequestCame, RequestCame
from ...protocol.session import Failure
from ..messages.message import to_bytes
from .cancel_soon import cancel_soon
from .request import HandlerAnswer, R, RequestHandler
from .request_failure import cancelled, failure_of, no_handler, not_allowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...protocol.profile import CancelCame
    from ..handlers import Handlers
    from .request_wire import AnsweringWire


class _Handling(Generic[R]):
    """One of the peer's requests."""

    def __init__(self, came: RequestCame | AdminRequestCame, request: R) -> None:
        self.id = came.id
        self.position = came.position
        self.is_admin = isinstance(came, AdminRequestCame)
        self.request = request
        self.task: asyncio.Task[None] | None = None
        """Its handler, if that is a coroutine that runs."""


class IncomingRequests(Generic[R]):
    """They wait in order until a handler may start; the lane's window bounds how many wait, because they are not
    consumed before."""

    def __init__(
        self,
        wire: AnsweringWire,
        handlers: Handlers[RequestHandler[R]],
        make_request: Callable[[RequestCame | AdminRequestCame], R],
        max_concurrent: int,
        find_admin: Callable[[int], RequestHandler[R] | None] | None = None,
    ) -> None:
        """``find_admin``: at a server, what answers requests to the library itself."""
        self._wire = wire
        self._handlers = handlers
        self._make_request = make_request
        self._max_concurrent = max_concurrent
        self._find_admin = find_admin
        self._wanted: dict[int, _Handling[R]] = {}
        """Requests that the peer waits for, by id: waiting here, or with a running handler."""
        self._waiting: deque[_Handling[R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        """Running handlers, including those of cancelled requests: a handler may go on for a while."""
        self._starting = False
        self._ended = False

    def received(self, came: RequestCame | AdminRequestCame) -> None:
        if self._ended:
            return
        handling = _Handling(came, self._make_request(came))
        self._wanted[came.id] = handling
        self._waiting.append(handling)
        self.start_waiting()

    def cancelled(self, came: CancelCame) -> None:
        handling = self._wanted.pop(came.id, None)
        if handling is None:
            return
        if handling.task is not None:
            cancel_soon(handling.task)
        # A waiting request keeps its place until it is at the front, so that requests are consumed in order.
        self.start_waiting()

    def lost(self) -> None:
        """The session is lost: the peer waits for no answer any more."""
        wanted, self._wanted = self._wanted, {}
        self._waiting.clear()
        current = asyncio.current_task()
        for handling in wanted.values():
            # A handler that ends its own connection goes on.
            if handling.task is not None and handling.task is not current:
                cancel_soon(handling.task)

    def end(self) -> None:
        """Like ``lost``, and requests that still arrive are dropped."""
        self._ended = True
        self.lost()

    async def when_done(self) -> None:
        """Returns once no handler runs any more, except the one that calls this."""
        while others := self._running - {asyncio.current_task()}:
            await asyncio.wait(others)

    def start_waiting(self) -> None:
        """Starts handlers while more of them may run."""
        # A handler that answers at once calls this again: to go on in the loop below keeps the stack flat.
        if self._starting or not self._waiting:
            return
        self._starting = True
        while self._waiting:
            upcoming = self._waiting[0]
            wanted = self._wanted.get(upcoming.id) is upcoming
            if wanted and not self._may_start:
                break
            self._waiting.popleft()
            self._wire.consumed_request(upcoming.position)
            if wanted:
                self._start(upcoming)
        self._starting = False

    @property
    def _may_start(self) -> bool:
        return len(self._running) < self._max_concurrent and not self._wire.congested

    def _start(self, handling: _Handling[R]) -> None:
        request = handling.request
        if handling.is_admin:
            handler = None if self._find_admin is None else self._find_admin(request.type)
            missing = not_allowed()
        else:
            handler = self._handlers.find(request.type)
            missing = no_handler(request.type)
        if handler is None:
            self._settle(handling, missing)
            return
        try:
            answer = handler(request)
        except Exception as error:
            self._settle(handling, failure_of(error))
            return
        if not inspect.isawaitable(answer):
            self._settle(handling, answer)
            return
        task = asyncio.get_running_loop().create_task(self._run(handling, answer))
        handling.task = task
        self._running.add(task)
        task.add_done_callback(self._done)

    async def _run(self, handling: _Handling[R], answer: Awaitable[HandlerAnswer]) -> None:
        try:
            data = await answer
        except asyncio.CancelledError:
            self._settle(handling, cancelled())
            raise
        except Exception as error:
            self._settle(handling, failure_of(error))
        else:
            self._settle(handling, data)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.start_waiting()

    def _settle(self, handling: _Handling[R], outcome: object) -> None:
        """A handler is done, or there is none."""
        if self._wanted.get(handling.id) is not handling:
            return
        del self._wanted[handling.id]
        if isinstance(outcome, Failure):
            self._wire.fail(handling.id, outcome)
            return
        try:
            self._wire.answer(handling.id, b"" if outcome is None else to_bytes(outcome))
        except SealpipeError as error:
            # The library's own error for wrong data would blame the peer that sent the request.
            wrong = error.code == "ERR_INVALID_ARGUMENT"
            said = f"the handler did not return an answer: {error.message}"
            self._wire.fail(handling.id, Failure("ERR_HANDLER_FAILED", said) if wrong else failure_of(error))
