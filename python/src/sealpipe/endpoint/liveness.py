"""Whether a server is alive at an address."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

from ..errors import SealpipeError
from ..protocol.limits import EngineLimits
from ..transport.socket_table import is_listed_as_listening
from .engine_driver import DriverOptions, EngineDriver
from .read_quota import ReadQuota

if TYPE_CHECKING:
    from ..protocol.engine import OpenEvent
    from ..protocol.message import MessageContent
    from ..transport.address import Address
    from ..transport.transport import TransportProvider

# How long a server that is alive may take to say so, in seconds.
_PATIENCE = 2.0


async def is_server_alive(address: Address, provider: TransportProvider) -> bool:
    """Dead is only what refuses a connection, or is not there.

    A golang-ipc server stops serving for ever when a client hangs up in the handshake. So the kernel is asked first,
    which touches nothing, and where only a connection can tell, the handshake is finished before it is closed.
    """
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


class _Probe:
    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def opened(self, event: OpenEvent) -> None: ...

    def message(self, content: MessageContent) -> None: ...

    def progressed(self) -> None: ...

    def closed(self, error: SealpipeError | None) -> None: ...

    def released(self) -> None:
        self.gone.set()


def _says_nobody(error: SealpipeError) -> bool:
    """True for the two ways in which the system says that nobody listens."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ECONNREFUSED, errno.ENOENT)
