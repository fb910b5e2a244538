"""A private directory, for a directory in which anybody can rename and remove what is there.

There a path says nothing: what it leads to may change between a look and the next step. So a private directory is
opened, examined, and reached by its descriptor."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from .file_identity import identity_of
from .trust import untrusted
from .users import own_uid

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..errors import SystemError
    from .address import Address

_OWNER_RIGHTS = 0o700
_OTHERS_RIGHTS = 0o077
# A round fails only if somebody removes the directory meanwhile; that many in a row are no accident.
_MAX_ROUNDS = 16
_LINUX_DESCRIPTORS = "/proc/self/fd"


@contextmanager
def hold_directory(
    address: Address, *, makes: bool = True, descriptors: str = _LINUX_DESCRIPTORS
) -> Generator[Address, None, None]:
    """The address with a path that leads through the descriptor of its directory, if that is a private one.

    What is done at that path is done in that directory, whatever others rename meanwhile. The directory is made unless
    it is there, if ``makes``; both ends do. Otherwise a FileNotFoundError is raised. Raises a SystemError
    ``ERR_ADDRESS_UNTRUSTED`` if what is there is no private directory of this user.

    Platform: a system without ``/proc/self/fd`` cannot reach a file by the descriptor of its directory. There every
    step of the path is checked, as for an address that is in no private directory."""
    if not address.is_private:
        yield address
        return
    descriptor = _open_or_make(address) if makes else _open(address)
    try:
        status = os.fstat(descriptor)
        objection = _objection_to(status)
        if objection is not None:
            raise _refused(address, objection)
        if status.st_mode & _OWNER_RIGHTS != _OWNER_RIGHTS:
            os.fchmod(descriptor, _OWNER_RIGHTS)
        held = f"{descriptors}/{descriptor}"
        plain = replace(address, is_private=False)
        if _leads_to(held, status):
            path = f"{held}/{os.path.basename(address.path)}"
            plain = replace(plain, path=path, held=held, shown=address.path)
        yield plain
    finally:
        os.close(descriptor)


def _open_or_make(address: Address) -> int:
    for _ in range(_MAX_ROUNDS):
        try:
            return _open(address)
        except FileNotFoundError:
            with suppress(FileExistsError):
                os.mkdir(os.path.dirname(address.path), _OWNER_RIGHTS)
    raise _refused(address, "is removed again and again")


def _open(address: Address) -> int:
    path = os.path.dirname(address.path)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError:
        # Something else that is there says so by one of several codes.
        with suppress(FileNotFoundError):
            objection = _objection_to(os.lstat(path))
            if objection is not None:
                raise _refused(address, objection) from None
        raise


def _objection_to(status: os.stat_result) -> str | None:
    if status.st_uid != own_uid():
        return f"belongs to the user {status.st_uid}, not to {own_uid()}"
    if not stat.S_ISDIR(status.st_mode):
        return "is a symbolic link" if stat.S_ISLNK(status.st_mode) else "is not a directory"
    mode = status.st_mode & 0o777
    return f"is open to others: its mode is {mode:04o} and must be 0700" if mode & _OTHERS_RIGHTS else None


def _refused(address: Address, objection: str) -> SystemError:
    return untrusted(
        address,
        f"the private directory {os.path.dirname(address.path)} {objection}; somebody else may have taken its place: "
        'remove it, or give both ends another "directory"',
    )


def _leads_to(held: str, status: os.stat_result) -> bool:
    try:
        return identity_of(os.stat(f"{held}/.")) == identity_of(status)
    except OSError:
        return False
