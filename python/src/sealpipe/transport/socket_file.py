"""How a socket appears at its address, and goes."""

from __future__ import annotations

import asyncio
import os
import random
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .address_errors import address_in_use
from .address_holder import holder_of
from .dead_socket import DeadSocket, remove_dead_socket
from .file_identity import FileIdentity, identify, identity_of
from .private_directory import hold_directory
from .rename_hold import RenamedFile, lacks_links, rename_unless_held
from .staging_directory import find_stagings, remove_abandoned_stagings
from .trust import check_directory_own
from .users import own_uid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .address import Address
    from .staging_directory import StagingDirectory

# A round fails only if another process wins it; that many in a row are no accident.
_MAX_ROUNDS = 16
_PATIENCE = 10.0
_MAX_PAUSE = 0.02


@dataclass(frozen=True)
class ClaimOptions:
    staging: StagingDirectory
    mode: int
    """The socket's mode when it appears."""
    is_alive: Callable[[Address], Awaitable[bool]]


async def claim_address(address: Address, options: ClaimOptions) -> FileIdentity:
    """Links the bound socket to its address.

    A link never replaces what is there, so of any number of servers one wins. A socket of this user that is
    certainly dead is removed first. Raises a SystemError ``ERR_ADDRESS_IN_USE``."""
    socket_path = options.staging.socket_path
    os.chmod(socket_path, options.mode)
    ours = identity_of(os.lstat(socket_path))
    try:
        for _ in range(_MAX_ROUNDS):
            try:
                os.link(socket_path, address.path)
                return ours
            except FileExistsError:
                await _remove_if_dead(address, options)
    except OSError as error:
        if not lacks_links(error):
            raise
        await _claim_by_rename(address, options)
        return ours
    raise address_in_use(address, "other servers keep taking it")


async def _claim_by_rename(address: Address, options: ClaimOptions) -> None:
    """The same where there are no hard links. A foreign program that takes the address in the same instant loses it."""
    give_up_at = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up_at:
        dead = await _find_dead(address, options)
        renamed = RenamedFile(
            source=options.staging.socket_path,
            target=address.path,
            hold=options.staging.rename_hold(address),
            holds=lambda: [staging.rename_hold(address) for staging in find_stagings(os.path.dirname(address.path))],
            may_replace=lambda dead=dead: identify(address.path) in (None, dead),  # type: ignore[misc]
        )
        outcome = rename_unless_held(renamed)
        if outcome == "done":
            return
        if outcome == "held":
            await asyncio.sleep(random.random() * _MAX_PAUSE)  # noqa: S311 - nothing to guess
    raise address_in_use(address, "other servers are starting there")


def remove_from_address(address: Address, identity: FileIdentity) -> None:
    """Removes our socket from its address if it is still there.

    Raises a SystemError ``ERR_ADDRESS_UNTRUSTED`` if by now another user can change the path, and so what would be
    removed."""
    with suppress(FileNotFoundError), hold_directory(address, makes=False) as held:
        if identify(held.path) == identity:
            check_directory_own(held)
            os.unlink(held.path)


async def _remove_if_dead(address: Address, options: ClaimOptions) -> None:
    dead = await _find_dead(address, options)
    if dead is not None:
        await remove_dead_socket(DeadSocket(address, dead, options.staging.hold_path))


async def _find_dead(address: Address, options: ClaimOptions) -> FileIdentity | None:
    """The dead socket at the address; nothing if there is nothing."""
    try:
        status = os.lstat(address.path)
    except FileNotFoundError:
        return None
    if not stat.S_ISSOCK(status.st_mode):
        raise address_in_use(address, "what is there is not a socket")
    if status.st_uid != own_uid():
        raise address_in_use(address, f"the socket there belongs to the user {status.st_uid}")
    if await options.is_alive(address):
        holder = holder_of(address.path)
        raise address_in_use(address, f"a server is alive there{holder and ', '}{holder}")
    # Its server was killed, so others may have been killed before they had got that far.
    remove_abandoned_stagings(os.path.dirname(address.path))
    return identity_of(status)
