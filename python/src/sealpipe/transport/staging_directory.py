"""A directory beside the address that only this user can enter, where the socket is bound before it is shown."""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .address import room_behind
from .trust import own_uid

if TYPE_CHECKING:
    from .address import Address

# The same names in every language: servers of all kinds see each other's holds.
_STAGING_PREFIX = ".sp-"
_STAGING_NAME = re.compile(r"\.sp-[A-Za-z0-9]{6}")
_HOLD_NAME = "d"
# What it adds to the directory: twice a slash, the prefix and six random characters.
_STAGING_BYTES = 2 * (1 + len(_STAGING_PREFIX) + 6)


@dataclass(frozen=True)
class StagingDirectory:
    path: str
    shown: str = ""
    """The server's name, as far as it fits: the socket's path is what the system shows of it (``ss -xlp``)."""

    @property
    def socket_path(self) -> str:
        """Ends as the directory is named: nothing else anywhere has such a name, so what removes it removes nothing
        else."""
        return f"{self.path}/{self.shown}{os.path.basename(self.path)}"

    @property
    def hold_path(self) -> str:
        """For a link to a dead socket that is about to be removed."""
        return f"{self.path}/{_HOLD_NAME}"

    def remove(self) -> None:
        """What is none of ours stays, and keeps it. What cannot be removed harms nobody."""
        with suppress(OSError):
            for entry in os.listdir(self.path):
                if entry == _HOLD_NAME or entry.endswith(os.path.basename(self.path)):
                    _remove_socket(f"{self.path}/{entry}")
            os.rmdir(self.path)


def _remove_socket(path: str) -> None:
    with suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)


def make_staging_directory(address: Address) -> StagingDirectory:
    """Nobody else may be able to change the way to it, see ``check_directory_own``.

    Raises a CallerError ``ERR_ADDRESS_TOO_LONG`` if no socket can be bound that deep.
    """
    directory = os.path.dirname(address.path)
    # A name is ASCII.
    shown = os.path.basename(address.path).removesuffix(".sock")[: room_behind(directory, _STAGING_BYTES)]
    while True:
        staging = StagingDirectory(os.path.join(directory, f"{_STAGING_PREFIX}{secrets.token_hex(3)}"), shown)
        try:
            os.mkdir(staging.path, 0o700)
        except FileExistsError:
            continue
        # The umask may have taken too much.
        os.chmod(staging.path, 0o700)
        return staging


@dataclass(frozen=True)
class FoundStaging(StagingDirectory):
    """One that some server has made, of which this process need not be the one."""

    changed_at: float = 0.0
    """When something was last put there or taken away, in seconds since 1970."""


def find_stagings(directory: str) -> list[FoundStaging]:
    """The staging directories of this user that lie in ``directory``. Other users' hold nothing that is ours."""
    found = []
    for entry in os.listdir(directory):
        if not _STAGING_NAME.fullmatch(entry):
            continue
        path = os.path.join(directory, entry)
        with suppress(FileNotFoundError):
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode) and status.st_uid == own_uid():
                found.append(FoundStaging(path, changed_at=status.st_mtime))
    return found


# Far longer than a start takes.
_ABANDONED_AFTER = 60.0


def remove_abandoned_stagings(directory: str) -> None:
    """Removes what servers that were killed while they started have left, as far as that can be seen."""
    # Litter harms nobody.
    with suppress(OSError):
        for staging in find_stagings(directory):
            if time.time() - staging.changed_at > _ABANDONED_AFTER:
                staging.remove()
