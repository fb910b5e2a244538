"""The users of a machine."""

from __future__ import annotations

import os
from typing import Literal

Trust = Literal["any"] | tuple[int, ...]
"""Who else may hold an address, besides the user of this process and root: ids of users, or ``"any"`` for everyone."""


def own_uid() -> int:
    """The user as whom the files of this process are made."""
    return os.geteuid()
