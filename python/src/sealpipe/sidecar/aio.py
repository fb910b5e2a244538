"""The same for asyncio.

>>> import sealpipe.sidecar.aio
>>> async def main():
...     async with sealpipe.sidecar.aio.serve(application="my-daemon", application_version="2.1.0") as server:
...         server.handle(1)(lambda request: request.text.upper())
...         async for message in server:
...             print(message.text)
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from .. import aio
from .options import End, SidecarOptions, late, parse_sidecar_options
from .process import HeldProcess, hold_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from typing_extensions import Unpack

    from .options import SidecarSettings

__all__ = ["End", "SidecarOptions", "serve"]


def serve(
    on_end: Callable[[End], Awaitable[None] | None] | None = None, **options: Unpack[SidecarOptions]
) -> aio.Starting[aio.Server]:
    """Takes over the channel from the process that started this one, and serves it. Call it once, early; ``await`` it,
    or ``async with`` it.

    ``on_end`` may be a coroutine function, and is called in the event loop; all else, and what it raises, is as in
    ``sealpipe.sidecar.serve``. The parent is watched by a thread: if the event loop is blocked when the parent ends,
    the process is killed after ``drain_timeout`` all the same."""
    settings = parse_sidecar_options(options, on_end)

    async def start() -> aio.Server:
        held = hold_process(settings)
        try:
            line = await _line_of(held.lease.line, settings)
            server = await aio.serve(held.take_over(line), **held.server_options)
            _end_with(held, server, on_end)
        except BaseException:
            held.lease.release()
            raise
        return server

    return aio.Starting(start)


async def _line_of(line: Future[bytes | None], settings: SidecarSettings) -> bytes | None:
    # As something to wait for that does not cancel the future if this is cancelled: the thread sets it.
    came = asyncio.Event()
    loop = asyncio.get_running_loop()
    line.add_done_callback(lambda _: _in_loop(loop, came.set))
    try:
        await asyncio.wait_for(came.wait(), settings.hand_over_timeout)
    except asyncio.TimeoutError:
        raise late(settings) from None
    return line.result()


def _end_with(held: HeldProcess, server: aio.Server, on_end: Callable[[End], Any] | None) -> None:
    loop = asyncio.get_running_loop()
    ending: set[asyncio.Task[None]] = set()

    async def finish(why: End) -> None:
        exit_code = 0
        try:
            ended = None if on_end is None else on_end(why)
            if inspect.isawaitable(ended):
                await ended
        except Exception:
            traceback.print_exc()
            exit_code = 1
        try:
            await server.close()
        finally:
            held.exit(why, exit_code)

    def end(why: End) -> None:
        if held.begins_to_end():
            # The loop itself has but a weak reference.
            ending.add(loop.create_task(finish(why)))

    server.allow_describe()
    server.allow_shutdown(lambda request: end(End("asked", request.reason)))
    if threading.current_thread() is threading.main_thread() and sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, lambda: end(End("asked", "SIGTERM")))
    held.lease.ended.add_done_callback(lambda _: _in_loop(loop, lambda: end(End("parent", ""))))


def _in_loop(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    # Closed: the program has left the loop, and is to end by itself or by the lease.
    if not loop.is_closed():
        loop.call_soon_threadsafe(act)
