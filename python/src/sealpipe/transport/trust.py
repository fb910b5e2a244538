"""Who can have had a hand in what lies at an address."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Literal

from ..errors import SystemError

if TYPE_CHECKING:
    from .address import Address

Trust = Literal["any"] | tuple[int, ...]
"""Who else may hold an address, besides the user of this process and root: ids of users, or ``"any"`` for everyone."""

# As many symbolic links as Linux follows on one way.
_HIGHEST_LINKS = 40


def own_uid() -> int:
    """The user as whom the files of this process are made."""
    return os.geteuid()


def check_address_trusted(address: Address) -> None:
    """Raises unless only trusted users can have put there what lies at the address.

    Each of them owns it, or has put themselves in the position to replace it. Raises a SystemError
    ``ERR_ADDRESS_UNTRUSTED``, or the system's own error where something is not there.
    """
    _check_way(address, address.path)


def check_directory_trusted(address: Address) -> None:
    """The same for the directory alone, where something is about to be put."""
    _check_way(address, os.path.dirname(address.path))


def _check_way(address: Address, end: str) -> None:
    """Looks at every step: whoever can write a directory, or owns a symbolic link, decides where the way goes on."""
    if address.trust == "any":
        return
    trusted = {0, own_uid(), *address.trust}
    rest = _steps(end)
    at = "/"
    links = 0
    _look(address, at, trusted)
    while rest:
        here = os.path.join(at, rest.pop(0)) if rest[0] != ".." else _parent_of(at, rest)
        if not stat.S_ISLNK(_look(address, here, trusted).st_mode):
            at = here
            continue
        links += 1
        if links > _HIGHEST_LINKS:
            raise _untrusted(address, here, "leads through too many symbolic links")
        target = os.readlink(here)
        if target.startswith("/"):
            at = "/"
        rest = _steps(target) + rest


def _parent_of(at: str, rest: list[str]) -> str:
    rest.pop(0)
    return os.path.dirname(at)


def _steps(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _look(address: Address, step: str, trusted: set[int]) -> os.stat_result:
    status = os.lstat(step)
    if status.st_uid not in trusted:
        raise _untrusted(address, step, f"belongs to the user {status.st_uid}")
    # With the sticky bit, whoever can write the directory can remove and rename only what is theirs.
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if stat.S_ISDIR(status.st_mode) and writable_by_others:
        raise _untrusted(address, step, "is a directory that others can write, without the sticky bit")
    return status


def _untrusted(address: Address, step: str, objection: str) -> SystemError:
    return SystemError(
        "ERR_ADDRESS_UNTRUSTED",
        f'the address {address.path} is not safe: {step} {objection}; the option "trust" can allow users',
    )
