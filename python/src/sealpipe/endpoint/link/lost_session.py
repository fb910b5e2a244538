"""What was under way when a session was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import PeerError
from ..messages.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocol.message import MessageContent
    from ..streams.stream import Stream


@dataclass(frozen=True)
class LostSession:
    messages: tuple[Message, ...]
    """Messages that were sent and that the peer has not acknowledged: they may or may not have arrived."""
    streams: tuple[Stream, ...]
    """Streams that were open, by either end: what had arrived can still be read. Of what this end wrote into them
    nobody knows how much has arrived."""

    @property
    def is_anything(self) -> bool:
        return bool(self.messages or self.streams)


def lost_session(contents: Sequence[MessageContent], streams: Sequence[Stream]) -> LostSession:
    return LostSession(tuple(Message(type, data) for type, data in contents), tuple(streams))


def session_ended(code: str | None) -> PeerError | None:
    """Why the server ended this end's session, if it says so in its answer to the attempt to resume."""
    if code is None:
        return None
    if code == "ERR_FELL_BEHIND":
        return PeerError(
            "ERR_FELL_BEHIND",
            "the server had dropped this client and its session, because too much waited that this client did not read",
        )
    return PeerError("ERR_SESSION_LOST", f"the server had ended the session, with {code}")
