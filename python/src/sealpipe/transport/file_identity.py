"""Which file it is, whatever it is called."""

from __future__ import annotations

import os
from typing import NamedTuple


class FileIdentity(NamedTuple):
    device: int
    inode: int


def identify(path: str) -> FileIdentity | None:
    """Which file is at ``path``, if any."""
    try:
        return identity_of(os.lstat(path))
    except FileNotFoundError:
        return None


def identity_of(status: os.stat_result) -> FileIdentity:
    return FileIdentity(status.st_dev, status.st_ino)
