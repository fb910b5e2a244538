"""How a client or a server ends."""

from __future__ import annotations

from typing import Literal


class Shutdown:
    """Once, however often ``close`` or ``destroy`` are called, and with the error of the first ``destroy``."""

    def __init__(self) -> None:
        self.has_begun = False
        self._is_destroyed = False
        self.error: BaseException | None = None
        """The argument of the first ``destroy``."""

    @property
    def status(self) -> Literal["closed", "error"]:
        """The final status."""
        return "closed" if self.error is None else "error"

    def begin(self) -> bool:
        """Whether to shut down now: true for the first call only."""
        is_first = not self.has_begun
        self.has_begun = True
        return is_first

    def destroyed(self, error: BaseException | None) -> None:
        """Only the first ``destroy`` counts."""
        if not self._is_destroyed:
            self._is_destroyed = True
            self.error = error
