"""A server's answers to requests to the library itself. Source: spec/protocol.md, "Admin"."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...errors import CallerError
from ...protocol.native.wire.admin import DESCRIBE, SHUTDOWN

if TYPE_CHECKING:
    from ..requests.request import RequestFrom, RequestHandler

C = TypeVar("C")


@dataclass(frozen=True)
class ShutdownRequest(Generic[C]):
    """A client asks the server to shut down."""

    reason: str
    """What the client says about why; may be empty."""
    connection: C
    """The connection of the client that asks."""


ShutdownHandler = Callable[[ShutdownRequest[C]], Awaitable[None] | None]
"""Shuts the program down: closes the server, and whatever else ends with it."""


class AdminHandlers(Generic[C]):
    """What the application did not allow has no handler."""

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe
        self.describes = False
        self._shutdown: ShutdownHandler[C] | None = None
        self._running: asyncio.Task[None] | None = None

    def allow_shutdown(self, handler: ShutdownHandler[C]) -> None:
        """Raises a CallerError ``ERR_INVALID_ARGUMENT``."""
        if not callable(handler):
            raise CallerError("ERR_INVALID_ARGUMENT", "a handler of shutdowns must be a function")
        if self._shutdown is not None:
            raise CallerError("ERR_INVALID_ARGUMENT", "shutdowns have a handler already")
        self._shutdown = handler

    def find(self, operation: int) -> RequestHandler[RequestFrom[C]] | None:
        if operation == DESCRIBE and self.describes:
            return lambda _: self._describe()
        if operation == SHUTDOWN and self._shutdown is not None:
            return self._begin
        return None

    def _begin(self, request: RequestFrom[C]) -> None:
        """The answer leaves before the handler, which may end the process, begins."""
        if self._running is None or self._running.done():
            shutdown = ShutdownRequest(request.text, request.connection)
            self._running = asyncio.get_running_loop().create_task(self._run(self._shutdown, shutdown))

    @staticmethod
    async def _run(handler: Callable[[ShutdownRequest[C]], Any] | None, request: ShutdownRequest[C]) -> None:
        # What is to be sent leaves in this turn of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            handled = None if handler is None else handler(request)
            if inspect.isawaitable(handled):
                await handled
        except Exception as error:
            context = {"message": "a handler of shutdowns raised an exception", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
