"""Identifies a file, whatever its name."""

from __future__ import annotations

import os
from typing import NamedTuple


class FileIdentity(NamedTuple):
    device: int
    inode: int


def identify(path: str) -> FileIdentity | None:
    """The identity of the file at ``path``, if there is one."""
    try:
        return identity_of(os.lstat(path))
    except FileNotFoundError:
        return None


def identity_of(status: os.stat_result) -> FileIdentity:
    return FileIdentity(status.st_dev, status.st_ino)
