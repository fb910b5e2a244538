"""Unix sockets: files with an owner and a mode, which outlive their servers."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

from .address_errors import connect_failed
from .address_watch import AddressWatch
from .bound_socket import bind_socket
from .inherited import keep_to_this_process
from .net_transport import NetTransport
from .private_directory import hold_directory
from .trust import check_address_trusted
from .unix_socket_listener import UnixSocketListener

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .address import Address
    from .transport import Listener, ListenOptions, Transport, Watch


class UnixSockets:
    async def connect(self, address: Address) -> Transport:
        try:
            with hold_directory(address) as held:
                return await self._connect_there(held)
        except OSError as error:
            raise connect_failed(address, error) from error

    async def _connect_there(self, address: Address) -> Transport:
        sock = None
        try:
            sock = keep_to_this_process(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            sock.setblocking(False)
            # Who holds the address is checked before and again after: between the two it may have changed hands.
            check_address_trusted(address)
            # Not by asyncio: it takes a server whose backlog is full, which is EAGAIN here, for one that it reached.
            sock.connect(address.path)
            check_address_trusted(address)
            loop = asyncio.get_running_loop()
            transport = await _to_its_end(loop.create_unix_connection(NetTransport, sock=sock))
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        return transport

    def watch(self, address: Address, changed: Callable[[], None]) -> Watch:
        return AddressWatch(address, changed)

    async def listen(self, address: Address, options: ListenOptions) -> Listener:
        return UnixSocketListener(address, options, await bind_socket(address, options))


async def _to_its_end(connecting: Coroutine[Any, Any, tuple[asyncio.BaseTransport, NetTransport]]) -> NetTransport:
    """Not cancelled in the turn of the event loop that this takes, but by the next wait of its caller, who ends the
    handshake in order: the server is reached, and golang-ipc's stops serving if a client hangs up before that."""
    task = asyncio.ensure_future(connecting)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await asyncio.wait([task])
        caller: Any = asyncio.current_task()
        if sys.version_info >= (3, 11):
            caller.uncancel()
        caller.cancel()
    _, transport = task.result()
    return transport
