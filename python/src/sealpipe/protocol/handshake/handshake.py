"""What both sides of the handshake have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...errors import PeerError
    from ..native.agreement import NativeAgreement
    from ..native.options import NativeOpened
    from ..profile import Profile
    from ..receive_buffer import ReceiveBuffer
    from ..states import Input, State


@dataclass(frozen=True)
class Opened:
    profile: Profile
    native: NativeOpened | None = None
    """Set if two native ends have opened the connection."""
    refused: PeerError | None = None
    """Why the engine has to close in order at once, without sending or delivering anything."""


@dataclass(frozen=True)
class HandshakeStep:
    """One step of the handshake: what arrived, as an input of the engine's table, and the answer."""

    input: Input
    output: tuple[bytes, ...] = ()
    """Parts to send, each in a write of its own."""
    opened: Opened | None = None
    """Set by the last step: how to go on."""
    resumes: bytes | None = None
    """A client wants to resume the session with this id, which has to be answered."""
    native: NativeAgreement | None = None
    """Set by the last step if both ends speak native: how to go on with their hellos."""


class Handshake(Protocol):
    """One side of the handshake."""

    def start(self) -> tuple[bytes, ...]:
        """The parts to send before anything has arrived."""
        ...

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        """The next step in ``state``, or ``None`` until enough has arrived.

        Raises a PeerError, or a HandshakeFailure if there are last bytes to send."""
