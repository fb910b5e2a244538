"""Calls that wait for something to come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

T = TypeVar("T")


async def wait_among(
    waiters: deque[asyncio.Future[T]],
    timeout: float | None,
    timed_out: Callable[[float], Exception],
    give_back: Callable[[T], None],
) -> T:
    """Waits among ``waiters`` until it is settled there, or for ``timeout`` seconds: then it raises ``timed_out``.

    A call that is cancelled just as something has come gives it back."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[T] = loop.create_future()
    waiters.append(waiter)
    timer = None if timeout is None else loop.call_later(timeout, _time_out, waiter, timeout, timed_out)
    try:
        return await waiter
    except asyncio.CancelledError:
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            give_back(waiter.result())
        raise
    finally:
        if timer is not None:
            timer.cancel()
        if waiter in waiters:
            waiters.remove(waiter)


def _time_out(waiter: asyncio.Future[T], timeout: float, timed_out: Callable[[float], Exception]) -> None:
    if not waiter.done():
        waiter.set_exception(timed_out(timeout))
