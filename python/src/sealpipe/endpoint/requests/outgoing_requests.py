"""Requests of this end that have no answer yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...errors import RemoteError
from .request import Answer
from .request_errors import not_connected

if TYPE_CHECKING:
    from ...protocol.profile import AnswerCame, FailureCame
    from ...protocol.session import TraceContext
    from .request_wire import AskingWire


class _Pending:
    def __init__(self, id: int, answered: asyncio.Future[Answer]) -> None:
        self.id = id
        """Changes if the request goes on in another session."""
        self.answered = answered


class OutgoingRequests:
    """Each of them ends: with an answer, a failure, or why there is none."""

    def __init__(self, wire: AskingWire) -> None:
        self._wire = wire
        self._pending: dict[int, _Pending] = {}
        self._ending: BaseException | None = None

    def has(self, id: int) -> bool:
        return id in self._pending

    async def request(self, type: int, data: bytes, context: TraceContext | None = None) -> Answer:
        """Sends a request, and waits for its answer. If that is cancelled, so is the request."""
        return await self._answer_to(self._wire.ask(type, data, context))

    async def admin(self, operation: int, data: bytes) -> Answer:
        """Like ``request``, to the server's library itself, and only to one that is there."""
        if not self._wire.is_connected:
            raise not_connected()
        return await self._answer_to(self._wire.ask_admin(operation, data))

    def answered(self, event: AnswerCame) -> None:
        pending = self._pending.pop(event.id, None)
        if pending is not None and not pending.answered.done():
            pending.answered.set_result(Answer(event.data))

    def failed(self, event: FailureCame) -> None:
        pending = self._pending.pop(event.id, None)
        if pending is not None and not pending.answered.done():
            pending.answered.set_exception(RemoteError(event.code, event.message, event.data or b""))

    def lost(self, error: BaseException, resent: dict[int, int | BaseException] | None = None) -> None:
        """The session is lost: requests that are not ``resent``, under another id, in the next one raise ``error``, or
        what that refused them by."""
        before, self._pending = self._pending, {}
        for pending in before.values():
            outcome = error if resent is None else resent.get(pending.id, error)
            if isinstance(outcome, int):
                pending.id = outcome
                self._pending[outcome] = pending
            elif not pending.answered.done():
                pending.answered.set_exception(outcome)

    def end(self, error: BaseException) -> None:
        """Like ``lost``, for all present and later requests."""
        self._ending = error
        self.lost(error)

    async def _answer_to(self, id: int) -> Answer:
        # A request to a peer without a connection may exceed what is kept for it, which ends the session.
        if self._ending is not None:
            raise self._ending
        pending = _Pending(id, asyncio.get_running_loop().create_future())
        self._pending[id] = pending
        try:
            return await pending.answered
        except asyncio.CancelledError:
            if self._pending.get(pending.id) is pending:
                del self._pending[pending.id]
                self._wire.cancel(pending.id)
            raise
