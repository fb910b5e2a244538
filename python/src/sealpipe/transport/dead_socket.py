"""Removes a dead socket from its address."""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .address_errors import address_in_use
from .file_identity import FileIdentity, identify
from .staging_directory import FoundStaging, find_stagings

if TYPE_CHECKING:
    from .address import Address

# Holding it takes less than a millisecond.
_ABANDONED_AFTER = 5.0
_PATIENCE = 10.0
_MAX_PAUSE = 0.02


@dataclass(frozen=True)
class DeadSocket:
    address: Address
    identity: FileIdentity
    """Identity of its file. Another file that has replaced it at its address stays."""
    hold_path: str
    """Path of the link that holds it, in the staging directory of the server that removes it."""


async def remove_dead_socket(dead: DeadSocket) -> None:
    """Removes it, unless it has gone.

    Servers that start at the same instant may all have found it, and the slower ones must not remove what the
    fastest has put in its place. So a server first holds the socket by one more link to it: a server that makes such
    a link and then sees no other server's holds the socket, because of any two the later one sees the earlier one's.
    These links are in the servers' staging directories, so no other user can make one, nor prevent one. A link that
    a killed process has left counts as abandoned after a while.

    Raises a SystemError ``ERR_ADDRESS_IN_USE`` if others hold it all the time."""
    give_up_at = time.monotonic() + _PATIENCE
    while not _remove_unless_held(dead):
        if time.monotonic() > give_up_at:
            raise address_in_use(dead.address, "other servers are starting there")
        await asyncio.sleep(random.random() * _MAX_PAUSE)  # noqa: S311 - nothing to guess


def _remove_unless_held(dead: DeadSocket) -> bool:
    """False if another server holds it. Synchronous, so that nothing changes between the checks and what follows."""
    try:
        os.link(dead.address.path, dead.hold_path, follow_symlinks=False)
    except FileNotFoundError:
        return True
    try:
        if identify(dead.hold_path) != dead.identity:
            return True
        if _is_held_by_another(dead):
            return False
        if identify(dead.address.path) == dead.identity:
            os.unlink(dead.address.path)
        return True
    finally:
        os.unlink(dead.hold_path)


def _is_held_by_another(dead: DeadSocket) -> bool:
    # There is no link besides its address and this hold.
    if os.lstat(dead.hold_path).st_nlink == 2:
        return False
    others = [
        staging
        for staging in find_stagings(os.path.dirname(dead.address.path))
        if staging.hold_path != dead.hold_path and identify(staging.hold_path) == dead.identity
    ]
    # A list, not a generator: every abandoned one has to be removed.
    return any([not _remove_if_abandoned(staging) for staging in others])  # noqa: C419


def _remove_if_abandoned(staging: FoundStaging) -> bool:
    """Its name is never used again, so another server that found it cannot remove a new one."""
    if time.time() - staging.changed_at <= _ABANDONED_AFTER:
        return False
    staging.remove()
    return True
