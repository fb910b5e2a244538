"""Requests to the library itself. Source: spec/protocol.md, "Admin"."""

from __future__ import annotations

DESCRIBE = 1
SHUTDOWN = 2
"""The operations."""

MAX_ADMIN_BYTES = 1_024
"""Max bytes of the data of such a request."""
