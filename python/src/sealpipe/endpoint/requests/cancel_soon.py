"""How the handlers of requests and streams are cancelled."""

from __future__ import annotations

import asyncio


def cancel_soon(task: asyncio.Task[None]) -> None:
    """Not before the handler has begun: it may have something to do in a ``finally``."""
    asyncio.get_running_loop().call_soon(task.cancel)
