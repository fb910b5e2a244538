"""The directory that the system gives each user for sockets and the like: nobody else can enter it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ..errors import SystemError
from .trust import own_uid

if TYPE_CHECKING:
    from collections.abc import Mapping


def runtime_directory(platform: str, environment: Mapping[str, str] = os.environ) -> str:
    """Raises a SystemError ``ERR_NO_RUNTIME_DIRECTORY`` where there is none, or it is not fit.

    Platform: ``XDG_RUNTIME_DIR`` on Linux and the BSDs, fit as the XDG base directory specification demands (absolute,
    owned by the user, mode 0700); ``TMPDIR`` on macOS, which the system sets to a directory of the user's own.
    """
    variable = "TMPDIR" if platform == "darwin" else "XDG_RUNTIME_DIR"
    path = environment.get(variable)
    objection = _objection_to(path) if path else "is not set"
    if path and objection is None:
        return path
    raise SystemError("ERR_NO_RUNTIME_DIRECTORY", f"this user has no runtime directory: {variable} {objection}")


def _objection_to(path: str) -> str | None:
    if not path.startswith("/"):
        return f"is no absolute path: {path}"
    try:
        status = os.stat(path)
    except OSError as error:
        return f"cannot be used: {error}"
    if not stat.S_ISDIR(status.st_mode):
        return f"is no directory: {path}"
    if status.st_uid != own_uid():
        return f"belongs to the user {status.st_uid}, not to {own_uid()}: {path}"
    mode = stat.S_IMODE(status.st_mode) & 0o777
    return None if mode == 0o700 else f"has the mode {mode:04o} instead of 0700: {path}"
