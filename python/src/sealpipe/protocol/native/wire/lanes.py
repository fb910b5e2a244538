"""Positions in the lanes, and their windows. Source: spec/protocol.md, "Lanes"."""

from __future__ import annotations

Positions = tuple[int, ...]
"""Of messages, requests and answers; also of streams, if both ends have them."""

Windows = tuple[int, int, int]
"""A window in each lane that every end has, in the same order."""

MIN_WINDOW = 65_536
MAX_WINDOW = 2_147_483_647
"""Min and max of a window in a hello."""
