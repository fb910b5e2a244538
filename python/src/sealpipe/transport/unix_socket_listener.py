"""Looks now and then whether its socket still lies at its address."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import SealpipeError, SystemError
from .bound_socket import BoundSocket, bind_socket
from .file_identity import FileIdentity, identify
from .private_directory import hold_directory
from .socket_file import remove_from_address

if TYPE_CHECKING:
    from .address import Address
    from .transport import ListenOptions


class UnixSocketListener:
    """One that has vanished is put back, as a new socket: the old one has no name any more by which it could be linked.
    One that has made way for another is not."""

    def __init__(self, address: Address, options: ListenOptions, bound: BoundSocket) -> None:
        self._address = address
        self._options = options
        self._bound = bound
        self._told = False
        """The loss of the address has been reported, and the address has not been ours since."""
        self._looking: asyncio.Task[None] | None = None
        if options.address_check_interval > 0:
            self._looking = asyncio.get_running_loop().create_task(self._look(options.address_check_interval))
        self._closed = False
        self._pid = os.getpid()

    async def close(self) -> None:
        # In a forked child there is nothing of it to close, and what lies at the address is the parent's.
        if self._closed or self._pid != os.getpid():
            return
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        try:
            # The name first, so that no one connects to a server that is about to be gone, and so that the identity
            # still says something: once the socket is closed, the system may give its inode to another's.
            remove_from_address(self._address, self._bound.identity)
        finally:
            self._bound.acceptor.close()

    async def _look(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._keep_address()

    async def _keep_address(self) -> None:
        try:
            found = _identify_at(self._address)
            if found is None:
                await self._put_back()
            elif found != self._bound.identity:
                raise FileExistsError("something else is there now")
            self._told = False
        except (OSError, SealpipeError) as error:
            if not self._told:
                self._options.failed(_address_lost(self._address, error))
            self._told = True

    async def _put_back(self) -> None:
        # Whatever has come there meanwhile is not ours to judge: nothing is replaced.
        next = await bind_socket(self._address, replace(self._options, is_alive=_taken_for_alive))
        self._bound.acceptor.close()
        self._bound = next


def _identify_at(address: Address) -> FileIdentity | None:
    """The socket at the address; none if its private directory is gone."""
    with suppress(FileNotFoundError), hold_directory(address, makes=False) as held:
        return identify(held.path)
    return None


async def _taken_for_alive(address: Address) -> bool:
    return True


def _address_lost(address: Address, cause: Exception) -> SystemError:
    return SystemError(
        "ERR_ADDRESS_LOST",
        f"new clients cannot reach the server: its socket {address.path} is gone, and was not put back: {cause}",
        cause,
    )
