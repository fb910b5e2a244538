"""The child's half of a program that its parent starts with a channel of its own: a sidecar of ``spawnSidecar``, in the
language of the parent. The program ends when its parent does, however that ends.

>>> import sealpipe.sidecar
>>> def main():
...     def prepare(server):
...         server.handle(1)(lambda request: request.text.upper())
...     with sealpipe.sidecar.serve(prepare=prepare, application="my-daemon") as server:
...         for message in server:
...             print(message.text)

This module blocks; ``sealpipe.sidecar.aio`` is the same for asyncio.
"""

from __future__ import annotations

import signal
import threading
import traceback
from concurrent.futures import TimeoutError
from typing import TYPE_CHECKING

from .. import serve as serve_channel
from ..endpoint.call_options import demand
from .options import End, SidecarOptions, late, parse_sidecar_options
from .process import HeldProcess, hold_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from .. import Server

__all__ = ["End", "SidecarOptions", "serve"]


def serve(
    on_end: Callable[[End], None] | None = None,
    *,
    prepare: Callable[[Server], object] | None = None,
    **options: Unpack[SidecarOptions],
) -> Server:
    """Takes over the channel from the process that started this one, and serves it. Call it once, early.

    ``prepare`` is called with the server before it listens. Add handlers there: the parent may ask as soon as it can.

    The standard input belongs to the parent: nobody else reads it. When the parent ends, asks for it or sends SIGTERM,
    ``on_end`` is called in a thread of its own, the server is closed and the process exits; after the parent's end no
    later than ``drain_timeout``. The exit is immediate: what must not be lost is written by ``on_end``, not by
    ``finally`` or ``atexit``. If ``on_end`` raises, the traceback is printed, and the exit status is 1. What this
    process has started itself ends with it, by SIGKILL to its process group. Output that nobody reads any more does not
    end the process: ``print`` drops it.

    SIGTERM is handled if this is called in the main thread; the system allows it nowhere else.

    Platform: on Windows what this process has started itself is not ended with it.

    Raises a SystemError ``ERR_NO_PARENT`` if the first line of the standard input is no hand-over, or
    ``ERR_ADDRESS_UNTRUSTED`` if the channel's directory is not this user's alone; a CallerError ``ERR_INVALID_OPTION``;
    or as ``sealpipe.serve``."""
    settings = parse_sidecar_options(options, on_end)
    demand(prepare is None or callable(prepare), "prepare", "None or something that can be called", prepare)
    held = hold_process(settings)
    try:
        try:
            line = held.lease.line.result(settings.hand_over_timeout)
        except TimeoutError:
            raise late(settings) from None
        server = serve_channel(held.take_over(line), prepare=prepare, **held.server_options)
        _end_with(held, server, on_end)
    except BaseException:
        held.lease.release()
        raise
    return server


def _end_with(held: HeldProcess, server: Server, on_end: Callable[[End], None] | None) -> None:
    def end(why: End) -> None:
        if held.begins_to_end():
            threading.Thread(target=finish, args=(why,), name="sealpipe-end").start()

    def finish(why: End) -> None:
        exit_code = 0
        try:
            if on_end is not None:
                on_end(why)
        except BaseException:
            traceback.print_exc()
            exit_code = 1
        try:
            server.close()
        finally:
            held.exit(why, exit_code)

    server.allow_describe()
    server.allow_shutdown(lambda request: end(End("asked", request.reason)))

    def terminated(*_: object) -> None:
        end(End("asked", "SIGTERM"))

    def parent_ended(_: object) -> None:
        end(End("parent", ""))

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminated)
    held.lease.ended.add_done_callback(parent_ended)
