"""How requests and answers reach the peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...protocol.session import Failure, TraceContext


class AskingWire(Protocol):
    """If there is no connection, requests wait for the next one."""

    @property
    def is_connected(self) -> bool:
        """Whether requests leave now."""
        ...

    def ask(self, type: int, data: bytes, context: TraceContext | None) -> int:
        """Sends a request, and returns its id, which the answer carries. Raises a CallerError as ``write`` does, or a
        PeerError ``ERR_PEER_NOT_NATIVE`` or ``ERR_TOO_LARGE_FOR_PEER``."""
        ...

    def ask_admin(self, operation: int, data: bytes) -> int:
        """The same, to the server's library itself. Raises a PeerError ``ERR_PEER_NOT_NATIVE``,
        ``ERR_PEER_WITHOUT_ADMIN`` or ``ERR_NOT_CONNECTED``."""
        ...

    def cancel(self, id: int) -> None:
        """Never raises. The request may be sent, or still wait to be."""


class AnsweringWire(Protocol):
    """Accepts any number of answers, however many wait."""

    @property
    def congested(self) -> bool:
        """Whether so many answers wait to be sent that no further handler should start.

        When that is over, ``start_waiting`` must be called. Otherwise a peer that sends requests and does not read
        would fill this process's memory with answers."""
        ...

    def answer(self, id: int, data: bytes) -> None:
        """Raises a CallerError ``ERR_MESSAGE_TOO_LARGE`` or a PeerError ``ERR_TOO_LARGE_FOR_PEER``."""

    def fail(self, id: int, failure: Failure) -> None:
        """Never raises. The code and the data must fit into a failure; the message is cut to what fits."""

    def consumed_request(self, position: int) -> None:
        """The request with that position no longer waits. Called once for each, in the order in which they arrived."""
