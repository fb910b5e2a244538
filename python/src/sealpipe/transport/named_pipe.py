"""Windows named pipes, by asyncio's proactor event loop. Not run by the project's tests.

A pipe ends with the process that made it, so there is never a dead one to replace. There is no half-close: when one
side ends, both do, after what was written has left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..errors import CallerError
from .address_errors import address_in_use, connect_failed, listen_failed
from .net_transport import NetTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address
    from .transport import Listener, ListenOptions, Transport


class _PipeListener:
    def __init__(self, server: Any) -> None:
        self._server = server

    async def close(self) -> None:
        self._server.close()


class NamedPipes:
    async def connect(self, address: Address) -> Transport:
        try:
            _, transport = await _proactor().create_pipe_connection(NetTransport, address.path)
        except OSError as error:
            raise connect_failed(address, error) from error
        assert isinstance(transport, NetTransport)  # noqa: S101 - for the type checker
        return transport

    def watch(self, address: Address, changed: Callable[[], None]) -> None:
        return None

    async def listen(self, address: Address, options: ListenOptions) -> Listener:
        if options.open_to_all_users:
            # asyncio makes its pipes with the default access list and has no way to give another.
            raise CallerError("ERR_INVALID_OPTION", "unmask_permissions is not offered on Windows")
        try:
            [server] = await _proactor().start_serving_pipe(lambda: NetTransport(options.accepted), address.path)
        except PermissionError as error:
            raise address_in_use(address, "another server listens there", error) from error
        except OSError as error:
            raise listen_failed(address, error) from error
        return _PipeListener(server)


def _proactor() -> Any:
    """The running loop, which has two calls that asyncio's types do not show. The default one on Windows has them."""
    loop = asyncio.get_running_loop()
    if not hasattr(loop, "create_pipe_connection"):
        raise CallerError("ERR_INVALID_OPTION", "named pipes need asyncio's ProactorEventLoop")
    return loop
