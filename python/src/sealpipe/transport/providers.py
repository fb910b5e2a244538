"""The transports for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .named_pipe import NamedPipes
from .unix_socket import UnixSockets

if TYPE_CHECKING:
    from .address import Address
    from .transport import TransportProvider


def provider_of(address: Address) -> TransportProvider:
    return NamedPipes() if address.kind == "named-pipe" else UnixSockets()
