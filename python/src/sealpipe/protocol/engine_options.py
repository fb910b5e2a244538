"""What an engine is made with, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from .profile import IncomingEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import PeerError
    from .crypto_provider import CryptoProvider
    from .handshake.options import ProfileChoice
    from .limits import EngineLimits
    from .native.options import NativeOpened, NativeOptions
    from .profile import ProfileName
    from .session import Session

Role = Literal["client", "server"]


@dataclass(frozen=True)
class EngineOptions:
    role: Role
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists on encryption; if not, it follows the server."""
    limits: EngineLimits
    crypto: CryptoProvider
    now: Callable[[], float]
    """The time, in seconds from any fixed point; it never goes back."""
    profile: ProfileChoice = "auto"
    secret: bytes | None = None
    native: NativeOptions | None = None
    """What is needed to speak the native profile. Without it the classic one is spoken."""
    waits_for_turns: bool = False
    """Whether each costly step of the handshake waits until it is allowed."""


class OpenEvent(NamedTuple):
    profile: ProfileName
    encrypted: bool
    session: Session
    """What is said to the peer from now on."""
    native: NativeOpened | None


class ResumeEvent(NamedTuple):
    """A client asks to go on with the session of that id. The engine's ``resume`` answers, before it is asked for
    anything else."""

    session_id: bytes


class ClosedEvent(NamedTuple):
    """The last event. Without an error the end was orderly."""

    error: PeerError | None = None


EngineEvent = OpenEvent | ResumeEvent | ClosedEvent | IncomingEvent
