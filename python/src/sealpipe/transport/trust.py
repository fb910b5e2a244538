"""Who can have had a hand in what lies at an address."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import SystemError
from .users import own_uid

if TYPE_CHECKING:
    from .address import Address
    from .users import Trust

# As many symbolic links as Linux follows on one way.
_MAX_LINKS = 40


def check_address_trusted(address: Address) -> None:
    """Raises unless only trusted users can have put there what lies at the address.

    Each of them owns it, or has put themselves in the position to replace it. Raises a SystemError
    ``ERR_ADDRESS_UNTRUSTED``, or the system's own error where something is not there.
    """
    objection = _objection_to_way(address.path, address.trust, address.held)
    if objection is not None:
        raise untrusted(address, f"{objection.what}; {objection.remedy}")


def check_directory_own(address: Address) -> None:
    """Raises unless nobody but this user and root can change the way to the address's directory, whomever it trusts.

    What a server makes, opens to others and removes there, it finds by its path. Raises a SystemError
    ``ERR_ADDRESS_UNTRUSTED``, or the system's own error if something is not there.
    """
    objection = _objection_to_way(os.path.dirname(address.path), (), address.held)
    if objection is not None:
        remedy = 'give both ends a "directory" of this user' if objection.by_owner else objection.remedy
        raise untrusted(address, f"{objection.what}; others could replace what a server puts there: {remedy}")


def objection_to_directory(path: str) -> str | None:
    """What is wrong with a directory, or with the way to it, if somebody but this user and root can change it.

    Raises the system's own error if something is not there."""
    objection = _objection_to_way(path, (), "")
    return None if objection is None else objection.what


@dataclass(frozen=True)
class _Objection:
    what: str
    """What is wrong with a step."""
    remedy: str
    by_owner: bool
    """Another user owns it, and a client may trust that one. Whom one trusts has no say in anything else."""


def _objection_to_way(end: str, trust: Trust, held: str) -> _Objection | None:
    """Looks at every step: whoever can write a directory, or owns a symbolic link, decides where the way goes on.

    The first step that a user who is not trusted owns or can change, with what is wrong with it. The directory
    ``held``, unless empty, is trusted, and so is what leads there.
    """
    if trust == "any":
        return None
    trusted = {0, own_uid(), *trust}
    rest = _steps(end[len(held) :]) if held else ["", *_steps(end)]
    at = held or "/"
    links = 0
    while rest:
        name = rest.pop(0)
        here = os.path.dirname(at) if name == ".." else os.path.join(at, name)
        status = os.lstat(here)
        objection = _objection_to(status, trusted)
        if objection is not None:
            return replace(objection, what=f"{here} {objection.what}")
        if not stat.S_ISLNK(status.st_mode):
            at = here
            continue
        links += 1
        if links > _MAX_LINKS:
            remedy = "correct the links, or name the directory to which they should lead"
            return _Objection(f"{here} leads through too many symbolic links", remedy, by_owner=False)
        target = os.readlink(here)
        if target.startswith("/"):
            at = "/"
        rest = _steps(target) + rest
    return None


def _steps(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _objection_to(status: os.stat_result, trusted: set[int]) -> _Objection | None:
    if status.st_uid not in trusted:
        remedy = f'if that user may own the address, set the option "trust" to [{status.st_uid}]'
        return _Objection(f"belongs to the user {status.st_uid}", remedy, by_owner=True)
    # With the sticky bit, whoever can write the directory can remove and rename only what is theirs.
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if stat.S_ISDIR(status.st_mode) and writable_by_others:
        remedy = (
            'set that bit (chmod +t), or give both ends the option "private_directory", or a "directory" that only its'
            " user can write to, or that has the bit, as /dev/shm has in most containers"
        )
        return _Objection("is a directory that others can write to, without the sticky bit", remedy, by_owner=False)
    return None


def untrusted(address: Address, objection: str) -> SystemError:
    return SystemError("ERR_ADDRESS_UNTRUSTED", f"the address {address.shown_path} is not safe: {objection}")
