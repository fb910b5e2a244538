"""The end that calls a contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..errors import PeerError, RemoteError
from .contract import InvalidError, decode_part, encode_part
from .description import parse_description
from .events import Listeners
from .failures import received
from .finding import issues_text
from .mismatches import mismatches
from .streams import CalledStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Contract, Member
    from .ends import CallableEndpoint

DESCRIBE_TYPE = 4_294_967_295
"""Requests of that type ask for the description of a contract."""
_DESCRIBE_TIMEOUT = 5
_MAX_TOLD = 8


class Caller:
    """What generated code calls a contract by."""

    def __init__(self, endpoint: CallableEndpoint, contract: Contract) -> None:
        self.endpoint = endpoint
        self._contract = contract
        self._members: set[str] | None = None
        """The members that the peer has; ``None`` if it does not say."""
        self._listeners = Listeners(contract, "caller", endpoint)

    def has(self, name: str) -> bool:
        """Whether the peer has that member; ``True`` also if it does not say."""
        member = self._contract.members.get(name)
        if member is None or (self.endpoint.profile == "classic" and member.described.kind != "event"):
            return False
        return self._members is None or name in self._members

    async def agree(self) -> None:
        """Looks at what the peer has said about itself, and asks it for its description if it has another version.

        Raises a PeerError ``ERR_CONTRACT_MISMATCH``, and what a request may raise."""
        peer = self.endpoint.peer
        if peer is None or self.endpoint.profile == "classic":
            return
        name = self._contract.name
        if peer.codec not in ("", "json"):
            raise _mismatch(f'contract "{name}" is encoded as json here, and as {peer.codec} by the peer')
        if not peer.contracts:
            return
        theirs = next((each for each in peer.contracts if each.name == name), None)
        if theirs is None:
            names = ", ".join(f'"{each.name}"' for each in peer.contracts)
            raise _mismatch(f'the peer speaks of {names}, not of "{name}"')
        if theirs.hash == self._contract.hash:
            self._members = set(self._contract.members)
        else:
            await self._compare(theirs.version)

    async def _compare(self, version: str) -> None:
        contract = self._contract
        try:
            ask = self.endpoint.request(DESCRIBE_TYPE, contract.name)
            answer = await asyncio.wait_for(ask, _DESCRIBE_TIMEOUT)
        except RemoteError:
            return  # Each call finds out by itself.
        except asyncio.TimeoutError:
            raise PeerError("ERR_REQUEST_TIMEOUT", "the peer did not describe its contract in time") from None
        try:
            theirs = parse_description(answer.data)
        except ValueError as error:
            raise _mismatch(f'the peer\'s description of "{contract.name}" is none: {error}') from error
        found = mismatches(contract.parsed, theirs)
        if found:
            versions = f'version "{contract.version}" here, "{version}" at the peer'
            raise _mismatch(f'contract "{contract.name}" ({versions}): {"; ".join(found[:_MAX_TOLD])}')
        self._members = set(theirs.members)

    async def call(self, member: Member, input: Any = None) -> Any:
        data = encode_part(member.input, input, f'the input of "{member.name}"')
        try:
            answer = await self.endpoint.request(member.number, data)
        except RemoteError as error:
            raise received(member, error) from error
        value, issues = decode_part(member.output, answer.data)
        if issues:
            message = f'the answer to "{member.name}" does not fit: {issues_text(issues)}'
            raise InvalidError("ERR_INVALID_OUTPUT", message, issues)
        return value

    async def open(self, member: Member, input: Any = None) -> CalledStream[Any, Any]:
        data = encode_part(member.input, input, f'the input of "{member.name}"')
        try:
            stream = await self.endpoint.open_stream(member.number, data)
        except RemoteError as error:
            raise received(member, error) from error
        if member.items is None:
            stream.end()
        return CalledStream(stream, member)

    async def emit(self, member: Member, data: Any = None) -> None:
        await emit(self.endpoint, member, data)

    def on(self, member: Member, listener: Callable[..., object]) -> Callable[[], None]:
        return self._listeners.add(member, listener)


async def emit(endpoint: Any, member: Member, data: Any = None) -> None:
    """Sends an event: to all if the endpoint is a server."""
    encoded = encode_part(member.data, data, f'the event "{member.name}"')
    send = getattr(endpoint, "broadcast", None) or endpoint.write
    await send(member.number, encoded)


def _mismatch(message: str) -> PeerError:
    return PeerError("ERR_CONTRACT_MISMATCH", message)
