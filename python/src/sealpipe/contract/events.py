"""The events of contracts that arrive at an endpoint, and who listens for them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SealpipeError
from .contract import InvalidError, decode_part
from .finding import issues_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Contract, Member, Side

    Listener = Callable[..., object]

_log = logging.getLogger("sealpipe.contract")


class IncomingEvents:
    """Takes the messages of an endpoint once there is a listener. Messages without a listener are dropped from then
    on."""

    _all: ClassVar[weakref.WeakKeyDictionary[Any, IncomingEvents]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._receivers: dict[int, Callable[[bytes, Any], object]] = {}
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, endpoint: Any) -> IncomingEvents:
        return cls._all.setdefault(endpoint, cls())

    def receive(self, number: int, receiver: Callable[[bytes, Any], object]) -> None:
        self._receivers[number] = receiver

    def start(self, endpoint: Any) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(endpoint))

    async def _run(self, endpoint: Any) -> None:
        try:
            async for message in endpoint:
                receiver = self._receivers.get(message.type)
                if receiver is not None:
                    result = receiver(message.data, getattr(message, "connection", None))
                    if inspect.isawaitable(result):
                        await result
        except SealpipeError:
            # The endpoint has ended, which its status and its calls show.
            return


class Listeners:
    """Those for the events of a contract that one end hears."""

    def __init__(self, contract: Contract, side: Side, endpoint: Any) -> None:
        self._endpoint = endpoint
        self._listeners: dict[str, list[Listener]] = {}
        other: Side = "caller" if side == "implementer" else "implementer"
        self._told: set[tuple[str, int]] = set()
        for member in contract.members.values():
            if member.described.kind == "event" and member.is_sent_by(other):
                IncomingEvents.of(endpoint).receive(member.number, self._receiver(member))

    def add(self, member: Member, listener: Listener) -> Callable[[], None]:
        """Returns what removes it again."""
        listeners = self._listeners.setdefault(member.name, [])
        listeners.append(listener)
        IncomingEvents.of(self._endpoint).start(self._endpoint)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def _receiver(self, member: Member) -> Callable[[bytes, Any], object]:
        async def receive(data: bytes, connection: Any) -> None:
            value, issues = decode_part(member.data, data)
            if issues:
                self._tell_once(member, connection, issues)
                return
            for listener in tuple(self._listeners.get(member.name, ())):
                await self._call(member, listener, value, connection)

        return receive

    async def _call(self, member: Member, listener: Listener, value: Any, connection: Any) -> None:
        arguments = ([] if member.data is None else [value]) + ([] if connection is None else [connection])
        try:
            result = listener(*arguments)
            if inspect.isawaitable(result):
                await result
        except Exception:
            _log.exception('a listener for the event "%s" raised', member.name)

    def _tell_once(self, member: Member, connection: Any, issues: Any) -> None:
        # Each once only, so that no peer fills a log.
        if (member.name, id(connection)) in self._told:
            return
        self._told.add((member.name, id(connection)))
        message = f'an event "{member.name}" was dropped: {issues_text(issues)}'
        _log.warning("%s", InvalidError("ERR_INVALID_INPUT", message, issues))
