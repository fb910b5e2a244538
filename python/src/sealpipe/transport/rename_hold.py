"""How a file comes to its place where there are no hard links, as on Termux, and on some FUSE and network file systems.

A link never replaces what is there; a rename does. So whoever renames holds the place first.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Holding it takes less than a millisecond.
_ABANDONED_AFTER = 5.0
_WITHOUT_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@dataclass(frozen=True)
class RenamedFile:
    """A file that is to be moved to a place, and how others that have a file for that place are recognized."""

    source: str
    target: str
    hold: str
    """A directory, of a name that is never used again, which exists while the place is held."""
    holds: Callable[[], Iterable[str]]
    """The same of all who might hold it, this one included."""
    may_replace: Callable[[], bool]
    """Whether what is there now, if anything, may go."""


def lacks_links(error: OSError) -> bool:
    """Whether an error says that there are no hard links, or none for this process."""
    return error.errno in _WITHOUT_LINKS


def rename_unless_held(file: RenamedFile) -> Literal["done", "taken", "held"]:
    """Renames the file, unless something is in its place that may not go, or another holds that.

    Of any two that hold it the later one sees the earlier one's hold, and what has come to the place by the time the
    other's hold is gone. Without a pause: what was seen must still hold when it is acted on.
    """
    os.mkdir(file.hold, 0o700)
    try:
        # All of them: whoever finds one abandoned removes it.
        if any([other != file.hold and _is_held(other) for other in file.holds()]):  # noqa: C419
            return "held"
        if not file.may_replace():
            return "taken"
        os.rename(file.source, file.target)
        return "done"
    finally:
        remove_hold(file.hold)


def _is_held(hold: str) -> bool:
    try:
        made_at = os.lstat(hold).st_mtime
    except FileNotFoundError:
        return False
    if time.time() - made_at <= _ABANDONED_AFTER:
        return True
    remove_hold(hold)
    return False


def remove_hold(hold: str) -> None:
    """What is left of it harms nobody for long."""
    with suppress(OSError):
        os.rmdir(hold)
