"""The ids of streams. Source: spec/protocol.md, "Streams"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Container

Side = Literal["client", "server"]

_ID_SPACE = 2**32


def is_id_of(side: Side, id: int) -> bool:
    """Whether that side opens streams of that id."""
    return id != 0 and id % 2 == (1 if side == "client" else 0)


def is_after(id: int, other: int) -> bool:
    """Whether an id is given after another: each is the next but one, and after the highest comes the lowest."""
    return 0 < (id - other) % _ID_SPACE < _ID_SPACE // 2


class OwnStreamIds:
    """The ids that a side gives to the streams that it opens."""

    def __init__(self, side: Side, last: int = 0) -> None:
        """``last``: the id after which it begins."""
        self._side = side
        self.last = last
        """The id that was given last; 0 if none was."""

    def next(self, in_use: Container[int]) -> int:
        while True:
            self.last = self._after(self.last)
            if self.last not in in_use:
                return self.last

    def _after(self, id: int) -> int:
        following = 1 if id == 0 and self._side == "client" else (id + 2) % _ID_SPACE
        return 2 if following == 0 else following
