"""A directory beside the address that only this user can enter, where the socket is bound before it is linked."""

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
from .rename_hold import remove_hold
from .users import own_uid

if TYPE_CHECKING:
    from .address import Address

# The same names in every language: servers of all kinds see each other's holds.
_STAGING_PREFIX = ".sp-"
_STAGING_NAME = re.compile(r"\.sp-[A-Za-z0-9]{6}")
_HOLD_NAME = "d"
# Before the file name of the address.
_RENAME_HOLD_PREFIX = "c-"
# Bytes that it adds to the path: twice a slash, the prefix and six random characters.
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

    def rename_hold(self, address: Address) -> str:
        """Held while the socket is renamed to the address, where there are no hard links."""
        return f"{self.path}/{_RENAME_HOLD_PREFIX}{os.path.basename(address.path)}"

    def remove(self) -> None:
        """Anything else in it stays, and so does the directory. What cannot be removed harms nobody."""
        with suppress(OSError):
            for entry in os.listdir(self.path):
                if entry.startswith(_RENAME_HOLD_PREFIX):
                    remove_hold(f"{self.path}/{entry}")
                if entry == _HOLD_NAME or entry.endswith(os.path.basename(self.path)):
                    _remove_socket(f"{self.path}/{entry}")
            os.rmdir(self.path)


def _remove_socket(path: str) -> None:
    with suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)


def make_staging_directory(address: Address) -> StagingDirectory:
    """Nobody else may be able to change the path to the address, see ``check_directory_own``.

    Raises a CallerError ``ERR_ADDRESS_TOO_LONG`` if no socket can be bound that deep.
    """
    directory = os.path.dirname(address.path)
    # Names are ASCII, so characters are bytes.
    shown = os.path.basename(address.path).removesuffix(".sock")[: room_behind(directory, _STAGING_BYTES)]
    while True:
        staging = StagingDirectory(os.path.join(directory, f"{_STAGING_PREFIX}{secrets.token_hex(3)}"), shown)
        try:
            os.mkdir(staging.path, 0o700)
        except FileExistsError:
            continue
        # The umask may have removed the owner's own permissions.
        os.chmod(staging.path, 0o700)
        return staging


@dataclass(frozen=True)
class FoundStaging(StagingDirectory):
    """A staging directory of this or another process."""

    changed_at: float = 0.0
    """When something was last added or removed, in seconds since 1970."""


def find_stagings(directory: str) -> list[FoundStaging]:
    """The staging directories of this user in ``directory``. Other users' contain nothing of ours."""
    found: list[FoundStaging] = []
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
    """Removes the staging directories that servers left when they were killed while they started."""
    # What cannot be removed harms nobody.
    with suppress(OSError):
        for staging in find_stagings(directory):
            if time.time() - staging.changed_at > _ABANDONED_AFTER:
                staging.remove()
