"""What a forked child gets of our sockets, and must not keep.

A copy of a descriptor holds its connection open: while the child lived, nobody would notice that its parent was killed,
and no other server could take its address.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
# A fork waits until what has just been made is known here.
_making = threading.RLock()


def keep_to_this_process(make: Callable[[], socket.socket]) -> socket.socket:
    """Makes a socket that each child closes as it is forked. That ends no connection: the parent has its own copy."""
    with _making:
        made = make()
        _sockets.add(made)
        return made


def _close_in_child() -> None:
    _making.release()
    for inherited in list(_sockets):
        # Nothing is sent, and no event loop is asked: that is the parent's, whose file descriptor for it is shared.
        inherited.close()
    _sockets.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_close_in_child)
