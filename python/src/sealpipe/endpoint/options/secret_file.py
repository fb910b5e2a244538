"""A secret that two ends share in a file."""

from __future__ import annotations

import errno
import os
import random
import secrets
import stat
import sys
import time
from contextlib import suppress

from ...errors import SystemError
from ...protocol.limits import MAX_SECRET_BYTES
from ...transport.file_identity import identify
from ...transport.rename_hold import RenamedFile, lacks_links, rename_unless_held
from ...transport.trust import objection_to_directory
from ...transport.users import own_uid

_FRESH_SECRET_BYTES = 32
_ONLY_OWNER = 0o600
_OTHERS_RIGHTS = 0o077
# A pipe that somebody put there must not make this process wait for a writer. Windows has none of these.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_MAKE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_MAX_ROUNDS = 4
"""A round fails only if somebody removes the file meanwhile; that many in a row are no accident."""
_HOLD_SUFFIX = ".hold"
"""What a file's hold has after its own name."""
_MAX_PAUSE = 0.02


def read_secret_file(path: str) -> bytes:
    """The secret in the file at that absolute path. If there is none, it is created with random bytes: if any number of
    processes do so at once, one wins, and all get that one's secret.

    Nobody but this user and root may be able to change the path, because otherwise another user could choose the file.
    Its owner and mode are checked on the open file. Platform: on Windows none of this is checked, nor whether it is a
    link.

    Raises a SystemError ``ERR_SECRET_FILE``."""
    try:
        objection = None if sys.platform == "win32" else objection_to_directory(os.path.dirname(path))
        if objection is not None:
            raise _unusable(path, f"is not safe: {objection}")
        for _ in range(_MAX_ROUNDS):
            secret = _read_if_there(path)
            if secret is not None:
                return secret
            _make_unless_there(path)
    except OSError as error:
        is_link = error.errno in (errno.ELOOP, errno.EMLINK)
        what = "is a symbolic link" if is_link else f"cannot be used: {error.strerror}"
        raise _unusable(path, what, error) from error
    raise _unusable(path, "is removed again and again")


def _read_if_there(path: str) -> bytes | None:
    try:
        file = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return None
    try:
        objection = _objection_to(os.fstat(file))
        if objection is not None:
            raise _unusable(path, objection)
        return _read_all(path, file)
    finally:
        os.close(file)


def _objection_to(status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if sys.platform == "win32":
        return None
    if status.st_uid not in (own_uid(), 0):
        return f"belongs to the user {status.st_uid}"
    if status.st_mode & _OTHERS_RIGHTS:
        return f"is open to others: its mode is {status.st_mode & 0o777:04o} and must be 0600"
    return None


def _read_all(path: str, file: int) -> bytes:
    secret = b""
    while len(secret) <= MAX_SECRET_BYTES:
        data = os.read(file, MAX_SECRET_BYTES + 1 - len(secret))
        if not data:
            break
        secret += data
    if not secret:
        raise _unusable(path, "is empty")
    if len(secret) > MAX_SECRET_BYTES:
        raise _unusable(path, f"has more than {MAX_SECRET_BYTES} bytes")
    return secret


def _make_unless_there(path: str) -> None:
    """The file is written completely under another name and then linked: a process that finds it finds all of it."""
    beside = f"{path}.{secrets.token_hex(8)}"
    file = os.open(beside, _MAKE_FLAGS, _ONLY_OWNER)
    try:
        _fill(file)
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        except OSError as error:
            if not lacks_links(error):
                raise
            _rename_unless_there(beside, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)


def _fill(file: int) -> None:
    try:
        if sys.platform != "win32":
            # The umask may have removed even the owner's permissions.
            os.fchmod(file, _ONLY_OWNER)
        os.write(file, secrets.token_bytes(_FRESH_SECRET_BYTES))
        # Otherwise the file could exist and be empty after a power cut.
        os.fsync(file)
    finally:
        os.close(file)


def _rename_unless_there(beside: str, path: str) -> None:
    """The same where there are no hard links."""
    directory, name = os.path.split(path)
    renamed = RenamedFile(
        source=beside,
        target=path,
        hold=beside + _HOLD_SUFFIX,
        holds=lambda: [
            os.path.join(directory, entry)
            for entry in os.listdir(directory)
            if entry.startswith(f"{name}.") and entry.endswith(_HOLD_SUFFIX)
        ],
        may_replace=lambda: identify(path) is None,
    )
    while rename_unless_held(renamed) == "held":
        time.sleep(random.random() * _MAX_PAUSE)  # noqa: S311 - nothing to guess


def _unusable(path: str, objection: str, cause: BaseException | None = None) -> SystemError:
    return SystemError("ERR_SECRET_FILE", f"the secret file {path} {objection}", cause)
