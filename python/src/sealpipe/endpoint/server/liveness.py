"""Whether a server is alive at an address."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

from ...errors import SealpipeError
from ...protocol.limits import EngineLimits
from ...transport.socket_table import is_listed_as_listening
from ..driver.driver_handler import Deaf
from ..driver.engine_driver import DriverOptions, EngineDriver
from ..reading.read_quota import ReadQuota

if TYPE_CHECKING:
    from ...transport.address import Address
    from ...transport.transport import TransportProvider

# How long a live server may take to answer, in seconds.
_PATIENCE = 2.0


async def is_server_alive(address: Address, provider: TransportProvider) -> bool:
    """Only a socket that refuses a connection, or does not exist, counts as dead.

    A golang-ipc server stops serving for ever when a client hangs up in the handshake. So the kernel's list is
    consulted first, which the server does not notice; if only a connection can show it, the handshake is finished
    before the connection is closed."""
    if is_listed_as_listening(address.path):
        return True
    try:
        transport = await provider.connect(address)
    except SealpipeError as error:
        return not _says_nobody(error)
    limits = EngineLimits(handshake_timeout=_PATIENCE, close_timeout=_PATIENCE)
    options = DriverOptions(role="client", encryption=False, limits=limits, quota=ReadQuota(1))
    probe = _Probe()
    driver = EngineDriver(transport, options, probe)
    driver.start()
    driver.close()
    await probe.gone.wait()
    return True


class _Probe(Deaf):
    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def released(self) -> None:
        self.gone.set()


def _says_nobody(error: SealpipeError) -> bool:
    """True for the two errors by which the system reports that nobody listens."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ECONNREFUSED, errno.ENOENT)
