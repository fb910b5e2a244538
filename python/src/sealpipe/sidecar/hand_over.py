"""What a parent tells its sidecar, as one line of JSON on the standard input. Source: docs/sidecars.md, "The
hand-over"."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ..errors import SystemError

VERSION = "sidecar/1"


@dataclass(frozen=True)
class HandOver:
    name: str
    """The name of the channel."""
    directory: str | None
    """The directory of its socket, which the sidecar makes; ``None`` on Windows."""
    secret: bytes = field(repr=False)
    group: int | None
    """The process group of the sidecar and of whatever it starts, if it has one of its own."""


def no_parent(why: str, cause: BaseException | None = None) -> SystemError:
    reason = f"no parent has handed over a channel: {why}; this program is started by spawnSidecar"
    return SystemError("ERR_NO_PARENT", reason, cause)


def decode_hand_over(line: bytes | None) -> HandOver:
    """``None``: there is no line. Raises a SystemError ``ERR_NO_PARENT``."""
    if line is None:
        raise no_parent("the standard input has ended before its first line")
    try:
        # Of the error nothing is kept: it has the line, and with it perhaps the secret.
        handed = _decode(json.loads(line))
    except (ValueError, RecursionError):
        handed = None
    if handed is None:
        raise no_parent("the first line of the standard input is no hand-over of this version")
    return handed


def _decode(said: Any) -> HandOver | None:
    """``None`` if it is none. May also raise a ValueError."""
    if not _is_object(said) or said.get("sealpipe") != VERSION:
        return None
    name, directory, secret, group = (said.get(member) for member in ("name", "directory", "secret", "group"))
    if not isinstance(name, str) or not isinstance(secret, str):
        return None
    if "directory" in said and not (isinstance(directory, str) and os.path.isabs(directory)):
        return None
    if "group" in said and not (isinstance(group, int) and not isinstance(group, bool) and 1 < group < 2**31):
        return None
    decoded = base64.b64decode(secret, validate=True)
    return HandOver(name, directory, decoded, group) if decoded else None


def _is_object(said: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(said, dict)
