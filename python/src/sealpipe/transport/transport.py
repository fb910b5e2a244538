"""The interfaces of every kind of transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..errors import SystemError
    from .address import Address


class TransportHandler(Protocol):
    """A transport's callbacks. None is called before ``start``, nor after ``closed``."""

    def chunk(self, chunk: bytes | memoryview) -> None:
        """Bytes from the peer, cut anywhere. They are there until this returns."""

    def ended(self) -> None:
        """The peer sends no more. What this end writes may still reach it."""

    def drained(self) -> None:
        """Everything that had to wait for the system has left this process."""

    def closed(self, error: Exception | None) -> None:
        """The transport is gone; with an error if it failed."""


class Transport(Protocol):
    """Moves bytes between two processes, in order."""

    def start(self, handler: TransportHandler) -> None:
        """Begins to read. Called once."""

    def write(self, write: bytes) -> None:
        """Writes, in one system call if the platform can."""

    @property
    def peer_pid(self) -> int | None:
        """The process at the other end; at a client, the one that called ``listen``. ``None`` if that is not known.

        Platform: Linux."""

    @property
    def pending_bytes(self) -> int:
        """Bytes written and not yet handed to the system. While there are any, ``drained`` will follow."""
        ...

    def pause(self) -> None:
        """Stops reading, so that the peer's writes fill up and it has to wait."""

    def resume(self) -> None: ...

    def end(self) -> None:
        """Ends the writing side once what is pending has left. Reading goes on."""

    def end_and_destroy(self) -> None:
        """The same, and drops the connection once the end has been sent."""

    def destroy(self) -> None:
        """Drops the connection, and what is pending with it."""


class Listener(Protocol):
    """Accepts transports."""

    async def close(self) -> None:
        """Stops accepting and frees the address. Accepted transports live on."""


class Watch(Protocol):
    """Watches an address."""

    @property
    def is_open(self) -> bool:
        """False if the system does not allow the watch, or has ended it."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class ListenOptions:
    open_to_all_users: bool
    """Whether every user of the machine may connect, or only the user whose process listens."""
    is_alive: Callable[[Address], Awaitable[bool]]
    """Whether a server is alive at an address that is in use. Only a socket that is certainly dead is replaced."""
    accepted: Callable[[Transport], None]
    """A process has connected. Its transport reads nothing until it is started."""
    failed: Callable[[SystemError], None]
    """The listener failed while it listened."""
    address_check_interval: float = 0
    """How often to check that the address is still ours, in seconds; 0: never."""


class TransportProvider(Protocol):
    """One kind of transport: how to listen and how to connect."""

    async def listen(self, address: Address, options: ListenOptions) -> Listener:
        """Raises a SystemError ``ERR_ADDRESS_IN_USE`` or ``ERR_LISTEN_FAILED``."""
        ...

    async def connect(self, address: Address) -> Transport:
        """Raises a SystemError ``ERR_CONNECT_FAILED``."""
        ...

    def watch(self, address: Address, changed: Callable[[], None]) -> Watch | None:
        """Calls ``changed`` when a server may have appeared at the address or gone; ``None`` if there is no way."""
