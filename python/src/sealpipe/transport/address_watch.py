"""Notices that a server appears at an address, or goes."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from .inherited import keep_to_this_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address

# inotify(7). Python has no module for it.
_HEADER = struct.Struct("iIII")
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
_ONLY_DIRECTORIES = 0x01000000
_WATCHED = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLY_DIRECTORIES
_DIRECTORY_GONE = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
_READ_BYTES = 65_536


class AddressWatch:
    """Calls ``changed`` when something appears at an address or disappears, by watching its directory.

    If the system does not let the directory be watched, or the directory is gone, the watch is not open. Platform:
    Linux."""

    def __init__(self, address: Address, changed: Callable[[], None]) -> None:
        self._name = os.fsencode(os.path.basename(address.path))
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._file: io.FileIO | None = None
        # The system has no watch left, or the directory cannot be read.
        with suppress(OSError):
            self._file = keep_to_this_process(lambda: _watch(os.path.dirname(address.path)))
            self._loop.add_reader(self._file, self._read)

    @property
    def is_open(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        if self._file is not None:
            self._loop.remove_reader(self._file)
            self._file.close()
            self._file = None

    def _read(self) -> None:
        data = b"" if self._file is None else self._file.read(_READ_BYTES)
        is_news = False
        at = 0
        while data and at < len(data):
            _, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            is_news |= data[at : at + length].rstrip(b"\0") == self._name or bool(mask & _OVERFLOW)
            at += length
            if mask & _DIRECTORY_GONE:
                self.close()
        if is_news:
            self._changed()


def _watch(directory: str) -> io.FileIO:
    if not sys.platform.startswith("linux"):
        raise OSError("this platform has no inotify")
    # Only a client that waits for a server needs it.
    import ctypes  # noqa: PLC0415

    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "there is no watch left")
    file = io.FileIO(descriptor, "rb")
    if libc.inotify_add_watch(descriptor, os.fsencode(directory), _WATCHED) < 0:
        error = ctypes.get_errno()
        file.close()
        raise OSError(error, os.strerror(error), directory)
    return file
