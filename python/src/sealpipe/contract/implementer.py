"""The end that implements a contract."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from ..errors import CallerError, PeerError, RemoteError
from .caller import DESCRIBE_TYPE, emit
from .contract import decode_part
from .events import Listeners
from .failures import bad_output, refusal, sent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .contract import Contract, Member
    from .ends import Endpoint, Handling

_log = logging.getLogger("sealpipe.contract")


class Implementer:
    """What generated code implements a contract by, on a server, a connection or a client."""

    def __init__(self, endpoint: Endpoint, contract: Contract, handling: Handling) -> None:
        self.endpoint = endpoint
        self._contract = contract
        handlers, names, self._caller = handling
        self._listeners = Listeners(contract, "implementer", endpoint)
        for name, member in contract.members.items():
            if member.described.kind == "event":
                continue
            handler = getattr(handlers, names[name], None)
            if not callable(handler):
                raise CallerError("ERR_INVALID_ARGUMENT", f'there is no handler for "{name}"')
            if member.described.kind == "method":
                endpoint.handle(member.number)(self._request_handler(member, handler))
            else:
                endpoint.stream(member.number)(self._stream_handler(member, handler))
        self._describe()

    def _describe(self) -> None:
        contract = self._contract

        def describe(request: Any) -> str:
            if request.text != contract.name:
                raise RemoteError("NO_CONTRACT", "there is no contract of that name")
            return contract.description

        self.endpoint.handle(DESCRIBE_TYPE)(describe)

    def _request_handler(self, member: Member, handler: Callable[..., Any]) -> Callable[[Any], Any]:
        async def handle(request: Any) -> bytes:
            arguments = self._arguments(member, request)
            try:
                output = handler(*arguments)
                output = await output if inspect.isawaitable(output) else output
            except Exception as raised:
                raise sent(member, raised) from raised
            return self._encoded(member, output)

        return handle

    def _arguments(self, member: Member, called: Any) -> list[Any]:
        caller = self._caller(getattr(called, "connection", self.endpoint))
        if member.input is None:
            return [caller]
        value, issues = member.input.decode(called.data)
        if issues:
            raise refusal(member, issues)
        return [value, caller]

    def _encoded(self, member: Member, output: Any) -> bytes:
        if member.output is None:
            return b""
        data = member.output.encode(output, f'the output of "{member.name}"')
        _, issues = member.output.decode(data)
        if issues:
            told, failure = bad_output(member, issues)
            _log.warning("%s", told)
            raise failure
        return data

    def _stream_handler(self, member: Member, handler: Callable[..., Any]) -> Callable[[Any], Any]:
        async def handle(stream: Any) -> None:
            arguments = self._arguments(member, stream)
            if member.items is not None:
                arguments.append(_items(member, stream))
            try:
                if member.output is None:
                    await handler(*arguments)
                    return
                async for item in handler(*arguments):
                    await stream.write(self._encoded(member, item))
            except PeerError:
                # Of the stream itself: nobody wants more, or it is over.
                raise
            except Exception as raised:
                raise sent(member, raised) from raised

        return handle

    async def emit(self, member: Member, data: Any = None) -> None:
        await emit(self.endpoint, member, data)

    def on(self, member: Member, listener: Callable[..., object]) -> Callable[[], None]:
        caller = self._caller
        if member.data is None:
            return self._listeners.add(member, lambda connection: listener(caller(connection)))
        return self._listeners.add(member, lambda data, connection: listener(data, caller(connection)))


async def _items(member: Member, stream: Any) -> AsyncIterator[Any]:
    async for item in stream:
        value, issues = decode_part(member.items, item.data)
        if issues:
            failure = refusal(member, issues, "an item")
            # At once, whatever the handler does with the error.
            stream.reset(failure.code, failure.message)
            raise failure
        yield value
