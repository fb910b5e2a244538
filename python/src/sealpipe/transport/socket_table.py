"""The kernel's own table of sockets."""

from __future__ import annotations

# SO_ACCEPTCON in the kernel's flags of a socket: it listens.
_ACCEPTS_CONNECTIONS = 0x10000


def is_listed_as_listening(path: str, table_path: str = "/proc/net/unix") -> bool:
    """Whether some process listens on a socket that was bound at ``path``, without touching the socket.

    False does not say that none does: one that was bound elsewhere and linked to ``path`` is listed under its first
    path, and a process in another network namespace is not listed. Platform: Linux. Elsewhere there is no such table
    and the answer is false.
    """
    try:
        with open(table_path, encoding="utf-8", errors="surrogateescape") as table:
            return any(_is_listening(line, path) for line in table)
    except OSError:
        return False


def _is_listening(line: str, path: str) -> bool:
    fields = line.split(maxsplit=7)
    if len(fields) < 8 or fields[7].rstrip("\n") != path:
        return False
    return int(fields[3], 16) & _ACCEPTS_CONNECTIONS != 0
