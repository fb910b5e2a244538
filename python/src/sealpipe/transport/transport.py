"""What every kind of transport has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..errors import SystemError
    from .address import Address


class TransportHandler(Protocol):
    """Who is told what happens. Nothing is called before ``start``, nor after ``closed``."""

    def chunk(self, chunk: bytes) -> None:
        """Bytes from the peer, cut anywhere."""

    def ended(self) -> None:
        """The peer sends no more. What we write may still reach it."""

    def drained(self) -> None:
        """Everything that had to wait for the system has left this process."""

    def closed(self, error: Exception | None) -> None:
        """The transport is gone; with an error where it failed."""


class Transport(Protocol):
    """Moves bytes between two processes, in order."""

    def start(self, handler: TransportHandler) -> None:
        """Begins to read. Called once."""

    def write(self, write: bytes) -> None:
        """Takes one write, in one system call where the platform can."""

    @property
    def pending_bytes(self) -> int:
        """Bytes taken and not yet given to the system. While there are any, ``drained`` will follow."""

    def pause(self) -> None:
        """Stops reading, so that the peer's writes fill up and it has to wait."""

    def resume(self) -> None: ...

    def end(self) -> None:
        """Says that nothing more will be written, once what is pending has left. Reading goes on."""

    def end_and_destroy(self) -> None:
        """The same, and drops the connection once the peer has been told."""

    def destroy(self) -> None:
        """Drops the connection, and what is pending with it."""


class Listener(Protocol):
    """Accepts transports."""

    async def close(self) -> None:
        """Accepts no more and gives the address free. Transports that were accepted live on."""


@dataclass(frozen=True)
class ListenOptions:
    open_to_all_users: bool
    """Whether every user of the machine may connect, or only the one whose process listens."""
    is_alive: Callable[[Address], Awaitable[bool]]
    """Whether a server is alive behind an address that is taken. Only what is certainly dead is replaced."""
    accepted: Callable[[Transport], None]
    """A process has connected. Its transport reads nothing until it is started."""
    failed: Callable[[SystemError], None]
    """The listener failed while it listened."""
    address_check_interval: float = 0
    """How often to look whether the address is still ours, in seconds; 0: never."""


class TransportProvider(Protocol):
    """One kind of transport: how to listen and how to connect."""

    async def listen(self, address: Address, options: ListenOptions) -> Listener:
        """Raises a SystemError ``ERR_ADDRESS_IN_USE`` or ``ERR_LISTEN_FAILED``."""

    async def connect(self, address: Address) -> Transport:
        """Raises a SystemError ``ERR_CONNECT_FAILED``."""
