"""What is needed to speak the native profile, and what an end knows about its peer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .keepalive import KeepaliveLimits
from .wire.offers import NO_OFFERS

if TYPE_CHECKING:
    from .session import NativeSession
    from .wire.lanes import Windows
    from .wire.offers import ContractIdentity, Offers


@dataclass(frozen=True)
class NativeSelf:
    """What an end declares about its process."""

    pid: int
    library: str
    """The library and its version, such as ``sealpipe/1.0.0``."""
    application: str = ""
    """The application's own name; empty if it did not give one."""
    application_version: str = ""


@dataclass(frozen=True)
class NativePeer(NativeSelf):
    """What an end knows about its peer, from the peer's hello."""

    codec: str = ""
    """The name of its application's encoding; empty if it did not give one."""
    contracts: tuple[ContractIdentity, ...] = ()
    """The contracts that it speaks."""


@dataclass(frozen=True)
class NativeOpened:
    """A session that two native ends have opened."""

    session: NativeSession
    """If it has an identity, it goes on when the connection is lost."""
    resumed: bool
    """Whether the session is that of an earlier connection."""
    peer: NativePeer
    session_ended: str | None = None
    """Client: the code of why the server had ended the session that this end wanted to resume, if the server sent
    one."""


@dataclass(frozen=True)
class SessionOver:
    """Why a session has ended, as a code."""

    code: str


@dataclass(frozen=True)
class NativeOptions:
    self: NativeSelf
    windows: Windows
    resumable: bool
    """Whether the session should outlive its connection."""
    offers: Offers = NO_OFFERS
    session: NativeSession | None = None
    """Client: the session to resume, if there was one."""
    keepalive: KeepaliveLimits = field(default_factory=KeepaliveLimits)
