"""The sockets of this process that a forked child inherits, and must not keep.

A copy of a descriptor holds its connection open: while the child lived, nobody would notice that its parent was killed,
and no other server could take its address.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)

_descriptors: weakref.WeakSet[Closable] = weakref.WeakSet()
# A fork waits until a new socket is registered here.
_making = threading.RLock()


def keep_to_this_process(make: Callable[[], C]) -> C:
    """Creates what has a descriptor, and each forked child closes it.

    That ends no connection: the parent has its own copy."""
    with _making:
        made = make()
        _descriptors.add(made)
        return made


def _close_in_child() -> None:
    _making.release()
    for inherited in list(_descriptors):
        # Nothing is sent, and no event loop is used: it is the parent's, whose file descriptor for it is shared.
        inherited.close()
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_close_in_child)
