"""Which process listens at an address: for people, and never more than a guess."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass

from .socket_table import listening_sockets


@dataclass(frozen=True)
class ProcessTable:
    """Where the system lists sockets and processes."""

    sockets: str = "/proc/net/unix"
    processes: str = "/proc"
    patience: float = 0.5
    """How long to look: there may be any number of processes, with any number of descriptors."""


# A socket that was staged: its directory, its staging directory, what it shows of its server's name and that
# directory's name again.
_STAGED_PATH = re.compile(r"(.*)/(\.sp-[A-Za-z0-9]{6})/(.*)\2", re.DOTALL)
_HELD_DIRECTORY = re.compile(r"/proc/self/fd/[0-9]+")
# Staged paths that long may have had no room for the whole name.
_FULL_PATH_BYTES = 100


def holder_of(path: str, table: ProcessTable | None = None) -> str:
    """The process that listens at ``path``, such as ``the process 4711 (node)``; empty if that is not known.

    Platform: Linux, for processes that this user may inspect."""
    table = table or ProcessTable()
    inode = _inode_of(path, table)
    pid = _process_with(inode, table) if inode else None
    return f"the process {pid}{_name_of(pid, table)}" if pid else ""


def _inode_of(path: str, table: ProcessTable) -> str | None:
    """The inode of the socket, if only one fits."""
    sockets = listening_sockets(table.sockets)
    inodes = {inode for bound, inode in sockets if bound == path or _was_staged_for(bound, path)}
    return inodes.pop() if len(inodes) == 1 else None


def _was_staged_for(bound: str, path: str) -> bool:
    staged = _STAGED_PATH.fullmatch(bound)
    if staged is None or not _is_same_directory(staged[1], os.path.dirname(path)):
        return False
    name = os.path.basename(path).removesuffix(".sock")
    fits = staged[3] == name or (len(os.fsencode(bound)) >= _FULL_PATH_BYTES and name.startswith(staged[3]))
    # A socket that is still staged belongs to a server that is starting, such as this one.
    return fits and not os.path.lexists(bound)


def _is_same_directory(one: str, other: str) -> bool:
    """A private directory is named by a descriptor, which is another in each process."""
    return one == other or all(_HELD_DIRECTORY.fullmatch(directory) for directory in (one, other))


def _process_with(inode: str, table: ProcessTable) -> str | None:
    give_up_at = time.monotonic() + table.patience
    for pid in filter(str.isdecimal, os.listdir(table.processes)):
        descriptors = f"{table.processes}/{pid}/fd"
        # Another user's, or it has ended meanwhile.
        with suppress(OSError):
            for descriptor in os.listdir(descriptors):
                if time.monotonic() > give_up_at:
                    return None
                with suppress(OSError):
                    if os.readlink(f"{descriptors}/{descriptor}") == f"socket:[{inode}]":
                        return pid
    return None


def _name_of(pid: str, table: ProcessTable) -> str:
    try:
        with open(f"{table.processes}/{pid}/comm", encoding="utf-8", errors="replace") as file:
            name = file.read().strip()
    except OSError:
        return ""
    # A process may call itself anything.
    shown = re.sub(r"[^\x20-\x7e]", "?", name)
    return f" ({shown})" if shown else ""
