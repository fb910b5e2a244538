"""For tests that wait for what no event tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(fits: Callable[[], object]) -> None:
    give_up_at = asyncio.get_running_loop().time() + 10
    while not fits():
        assert asyncio.get_running_loop().time() < give_up_at
        await asyncio.sleep(0.001)
