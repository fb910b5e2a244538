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
    """Which file it is. Another that has come to its address stays."""
    hold_path: str
    """Where in the staging directory of whoever removes it the link is made by which it is held."""


async def remove_dead_socket(dead: DeadSocket) -> None:
    """Removes it, unless it has gone.

    Servers that start at the same instant may all have found it, and the slower ones must not remove what the faster
    one has put in its place. So it is held first, by a further link to it: whoever makes one and then sees no other's
    holds it, as of any two the later one sees the earlier one's. These links lie in the servers' staging directories,
    so no other user can make one, nor be in the way of one. What a killed process leaves of them counts as abandoned
    after a while.

    Raises a SystemError ``ERR_ADDRESS_IN_USE`` where others hold it all the time.
    """
    give_up_at = time.monotonic() + _PATIENCE
    while not _remove_unless_held(dead):
        if time.monotonic() > give_up_at:
            raise address_in_use(dead.address, "other servers are being started there")
        await asyncio.sleep(random.random() * _MAX_PAUSE)  # noqa: S311 - nothing to guess


def _remove_unless_held(dead: DeadSocket) -> bool:
    """False where another holds it. Without a pause: what was seen must still hold when it is acted on."""
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
    # Its address and our hold: there is no further link.
    if os.lstat(dead.hold_path).st_nlink == 2:
        return False
    others = [
        staging
        for staging in find_stagings(os.path.dirname(dead.address.path))
        if staging.hold_path != dead.hold_path and identify(staging.hold_path) == dead.identity
    ]
    # All of them: whoever finds one abandoned removes it.
    return any([not _remove_if_abandoned(staging) for staging in others])  # noqa: C419


def _remove_if_abandoned(staging: FoundStaging) -> bool:
    """Its name is never used again, so whoever finds it abandoned later finds nothing."""
    if time.time() - staging.changed_at <= _ABANDONED_AFTER:
        return False
    staging.remove()
    return True
