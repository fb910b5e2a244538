"""The directory that the system gives each user for sockets and the like: nobody else can enter it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ..errors import SystemError
from .users import own_uid

if TYPE_CHECKING:
    from collections.abc import Mapping


def runtime_directory(platform: str, environment: Mapping[str, str] = os.environ, per_user: str = "/run/user") -> str:
    """Raises a SystemError ``ERR_NO_RUNTIME_DIRECTORY`` if there is none, or it is not as demanded.

    Platform: on Linux and the BSDs ``XDG_RUNTIME_DIR``, if it is as the XDG base directory specification demands
    (absolute, owned by the user, mode 0700). On Linux, if that is not set, systemd's ``/run/user/UID``. On macOS
    ``TMPDIR``, which the system sets to a directory of the user's own."""
    variable = "TMPDIR" if platform == "darwin" else "XDG_RUNTIME_DIR"
    path = environment.get(variable)
    if path:
        objection = _objection_to(path)
        if objection is None:
            return path
        raise _none(f"{variable} {objection}")
    if platform != "linux":
        raise _none(f"{variable} is not set")
    usual = f"{per_user}/{own_uid()}"
    objection = _objection_to(usual)
    if objection is None:
        return usual
    raise _none(f"{variable} is not set, and {usual} {objection}")


def _none(reason: str) -> SystemError:
    return SystemError(
        "ERR_NO_RUNTIME_DIRECTORY",
        f"this user has no runtime directory: {reason}. Log in through the system (systemd: `loginctl enable-linger`"
        ' for a user without a session), or give both ends the same "directory", one of mode 0700 that this user owns',
    )


def _objection_to(path: str) -> str | None:
    if not path.startswith("/"):
        return f"is not an absolute path: {path}"
    try:
        status = os.stat(path)
    except OSError as error:
        return f"cannot be used: {error}"
    if not stat.S_ISDIR(status.st_mode):
        return f"is not a directory: {path}"
    if status.st_uid != own_uid():
        return f"belongs to the user {status.st_uid}, not to {own_uid()}: {path}"
    mode = stat.S_IMODE(status.st_mode) & 0o777
    return None if mode == 0o700 else f"has the mode {mode:04o} instead of 0700: {path}"
