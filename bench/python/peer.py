"""What the peers have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypedDict


def socket_path(name: str) -> str:
    """Where the peers that want a path of their own listen."""
    return f"/tmp/{name}.sock"


class Options(TypedDict, total=False):
    """Those of the library's ends that the catalogue gives."""

    encryption: bool


class BlockingChannel(Protocol):
    """One conversation between the two processes, used by a thread that reads and one that writes."""

    def send(self, body: bytes) -> None: ...

    def receive(self, handle: Callable[[bytes], None]) -> None:
        """Calls ``handle`` for each message until the channel is over."""

    def close(self) -> None: ...


class BlockingPeer(Protocol):
    """One way to talk between two processes, used as someone who knows it well would use it."""

    def listen(self, name: str, opened: Callable[[BlockingChannel], None]) -> Callable[[], None]:
        """Calls ``opened`` for each client, in a thread of its own. Returns what ends the listener."""

    def connect(self, name: str) -> BlockingChannel: ...


class AsyncChannel(Protocol):
    """The same on an event loop."""

    async def send(self, body: bytes) -> None: ...

    async def receive(self, handle: Callable[[bytes], Awaitable[None] | None]) -> None:
        """Calls ``handle`` for each message, and awaits what it returns, until the channel is over."""

    async def close(self) -> None: ...


class AsyncPeer(Protocol):
    async def listen(
        self, name: str, opened: Callable[[AsyncChannel], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]: ...

    async def connect(self, name: str) -> AsyncChannel: ...
