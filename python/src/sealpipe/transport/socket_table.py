"""The kernel's own table of sockets."""

from __future__ import annotations

# SO_ACCEPTCON in the kernel's flags of a socket: it listens.
_ACCEPTS_CONNECTIONS = 0x10000


def is_listed_as_listening(path: str, table_path: str = "/proc/net/unix") -> bool:
    """Whether some process listens on a socket that was bound at ``path``, without touching the socket.

    False does not mean that none does: a socket that was bound elsewhere and linked to ``path`` is listed under its
    first path, and one in another network namespace is not listed. Platform: Linux. Elsewhere there is no such table
    and the answer is false."""
    return any(bound == path for bound, _ in listening_sockets(table_path))


def listening_sockets(table_path: str) -> list[tuple[str, str]]:
    """The path at which each listening socket was bound, and its inode. None if there is no such table."""
    try:
        with open(table_path, encoding="utf-8", errors="surrogateescape") as table:
            lines = [line.rstrip("\n").split(maxsplit=7) for line in table]
    except OSError:
        return []
    whole = (fields for fields in lines[1:] if len(fields) == 8)
    return [(fields[7], fields[6]) for fields in whole if int(fields[3], 16) & _ACCEPTS_CONNECTIONS]
