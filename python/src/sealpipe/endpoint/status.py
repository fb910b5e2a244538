"""Where an endpoint stands."""

from __future__ import annotations

from typing import Literal

Status = Literal[
    "not-connected",
    "listening",
    "connecting",
    "connected",
    "reconnecting",
    "closed",
    "closing",
    "error",
    "timeout",
    "disconnected",
]
"""golang-ipc's ten states as lower-case words; ``docs/golang-ipc.md`` says which end has which."""
