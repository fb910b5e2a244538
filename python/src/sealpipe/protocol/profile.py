"""How messages stand on the wire once the handshake is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from .message import MessageContent
    from .receive_buffer import ReceiveBuffer
    from .send_buffer import SendBuffer

ProfileName = Literal["classic"]


class Profile(Protocol):
    @property
    def name(self) -> ProfileName: ...

    @property
    def encrypted(self) -> bool: ...

    @property
    def is_spent(self) -> bool:
        """Its key has sealed all that it may: the engine closes."""

    def encode(self, type: int, data: bytes, output: SendBuffer) -> None:
        """Takes the message. The caller has checked type and size."""

    def decode(self, input: ReceiveBuffer) -> MessageContent | None:
        """The next message, or ``None`` until all of it is there. Raises a PeerError for bytes that are no message."""
