"""Programs that break one rule each: ``python -m tests.interop.mutants MUTANT server|client NAME [--plain]``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING
from unittest.mock import patch

from sealpipe.conformance import echo
from sealpipe.protocol import message
from sealpipe.protocol.classic import profile
from sealpipe.protocol.handshake import handshake, messages
from sealpipe.transport.net_transport import NetTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealpipe.protocol.crypto_provider import CryptoProvider


def change(owner: object, name: str, value: object) -> None:
    """For the rest of the process."""
    patch.object(owner, name, value).start()


def whole_secret() -> None:
    """Hashes all 48 bytes."""

    def derive(shared_secret: bytes, crypto: CryptoProvider) -> bytes:
        return crypto.sha256(shared_secret)

    change(handshake, "derive_traffic_key", derive)


def two_writes() -> None:
    """Sends the length first, and then the payload."""
    whole = NetTransport.write

    def write(transport: NetTransport, data: bytes) -> None:
        whole(transport, data[:4])
        # A busy machine may run the reader only after both writes, however often the rule tries.
        time.sleep(0.001)
        if len(data) > 4:
            whole(transport, data[4:])

    change(NetTransport, "write", write)


def type_0() -> None:
    """Writes what is asked of it."""
    change(message, "RESERVED_TYPE", -1)
    change(profile, "RESERVED_TYPE", -1)


def exact_maximum() -> None:
    """Takes a maximum-size frame of the exact size alone."""
    change(messages, "MAX_MAXIMUM_SIZE_FRAME_BYTES", 4 if "--plain" in sys.argv else 32)


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant for mutant in (whole_secret, two_writes, type_0, exact_maximum)
}

if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    echo.main(*sys.argv[2:])
