"""What either side of the handshake wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..crypto_provider import CryptoProvider

ProfileChoice = Literal["auto", "classic", "native"]
"""The profiles that an end speaks: ``auto`` is native if the peer speaks it, too, and otherwise classic."""


@dataclass(frozen=True)
class HandshakeOptions:
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists on encryption; if not, it follows the server."""
    max_message_bytes: int
    crypto: CryptoProvider
    profile: ProfileChoice = "classic"
    secret: bytes | None = None
    """Known only to the two ends. With it they speak native and encrypted, or not at all."""

    @property
    def demands_native(self) -> bool:
        """Whether an end refuses a peer that does not speak native."""
        return self.profile == "native" or self.secret is not None

    @property
    def demands_encryption(self) -> bool:
        """Whether a server encrypts, or a client refuses a server that does not."""
        return self.encryption or self.secret is not None

    @property
    def offers_native(self) -> bool:
        """Whether an end can speak native at all."""
        return self.profile != "classic" or self.demands_native
