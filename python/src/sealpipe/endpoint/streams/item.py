"""What a stream consists of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..messages.payload import Payload


@dataclass(slots=True, unsafe_hash=True)
class Item(Payload):
    """One unit of a stream."""

    _weight: int = field(default=0, repr=False, compare=False)
    """What it counts for in its stream's window."""
