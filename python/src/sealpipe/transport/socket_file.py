"""How a socket appears at its address, and goes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .address_errors import address_in_use
from .dead_socket import DeadSocket, remove_dead_socket
from .file_identity import FileIdentity, identify, identity_of
from .staging_directory import remove_abandoned_stagings
from .trust import check_directory_own, own_uid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .address import Address
    from .staging_directory import StagingDirectory

# Each round loses to another process at most; this many in a row are no accident.
_MAX_ROUNDS = 16


@dataclass(frozen=True)
class ClaimOptions:
    staging: StagingDirectory
    mode: int
    """The mode with which the socket appears."""
    is_alive: Callable[[Address], Awaitable[bool]]


async def claim_address(address: Address, options: ClaimOptions) -> FileIdentity:
    """Shows the bound socket at its address.

    A link never replaces what is there, so of any number of servers one wins. A socket of ours that is certainly dead
    is removed first. Raises a SystemError ``ERR_ADDRESS_IN_USE``.
    """
    socket_path = options.staging.socket_path
    os.chmod(socket_path, options.mode)
    ours = identity_of(os.lstat(socket_path))
    for _ in range(_MAX_ROUNDS):
        try:
            os.link(socket_path, address.path)
            return ours
        except FileExistsError:
            await _remove_if_dead(address, options)
    raise address_in_use(address, "other servers keep taking it")


def remove_from_address(address: Address, identity: FileIdentity) -> None:
    """Removes our socket from its address if it still lies there.

    Raises a SystemError ``ERR_ADDRESS_UNTRUSTED`` if another user can change the way there by now, and so what is
    removed.
    """
    if identify(address.path) == identity:
        check_directory_own(address)
        with suppress(FileNotFoundError):
            os.unlink(address.path)


async def _remove_if_dead(address: Address, options: ClaimOptions) -> None:
    try:
        status = os.lstat(address.path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise address_in_use(address, "what lies there is no socket")
    if status.st_uid != own_uid():
        raise address_in_use(address, f"the socket there belongs to the user {status.st_uid}")
    if await options.is_alive(address):
        raise address_in_use(address, "a server is alive there")
    # Its server was killed, so others may have been that had not come as far.
    remove_abandoned_stagings(os.path.dirname(address.path))
    await remove_dead_socket(DeadSocket(address, identity_of(status), options.staging.hold_path))
