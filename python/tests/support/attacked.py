"""A server that hostile peers talk to. It writes each message and each item of streams of type 1 back, reads nothing
of streams of type 2, ends those of type 3 by an error, answers no request of type 1, and says what ends: a line of JSON
each. If it is unread, it reads nothing at all, and reports how much memory is in use.

Usage: ``attacked.py attacked|unread NAME OPTIONS-AS-JSON``, with the options by TypeScript's names. Commands:
``{"do": "report"}``, ``{"do": "end"}``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from sealpipe import SealpipeError, aio


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """``handshakeTimeoutMs``: 500 is ``handshake_timeout``: 0.5."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        snake = re.sub("([A-Z])", lambda letter: "_" + letter[0].lower(), name)
        options[snake.removesuffix("_ms")] = value / 1_000 if snake.endswith("_ms") else value
    return options


async def answer_never(_: aio.Request) -> None:
    await asyncio.Event().wait()


async def read_nothing(_: aio.Stream) -> None:
    await asyncio.Event().wait()


def add_stream_handlers(server: aio.Server) -> None:
    server.stream(2)(read_nothing)

    @server.stream(1)
    async def echo_items(stream: aio.Stream) -> AsyncIterator[bytes]:
        async for item in stream:
            yield item.data

    @server.stream(3)
    async def fail(_: aio.Stream) -> None:
        raise RuntimeError("no")


class Attacked:
    def __init__(self, unread: bool) -> None:
        self._unread = unread
        self._errors: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, name: str, options: dict[str, Any]) -> None:
        server = await aio.serve(name, on_error=self._failed, **options)
        server.handle(1)(answer_never)
        if self._unread:
            server.stream(1)(read_nothing)
        else:
            add_stream_handlers(server)
        self._start(self._accept(server))
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        say(event="listening")
        while json.loads(await reader.readline())["do"] != "end":
            self._report(server)
        server.destroy()
        await server.close()
        # A task may have started others.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            _, left = await asyncio.wait(others, timeout=10)
            if left:
                raise TimeoutError(f"tasks were left: {left}")

    def _failed(self, error: SealpipeError) -> None:
        self._errors[error.code] += 1
        say(event="error", code=error.code)

    async def _accept(self, server: aio.Server) -> None:
        with suppress(SealpipeError):
            while True:
                connection = await server.accept()
                if not self._unread:
                    self._start(self._echo(connection))

    @staticmethod
    async def _echo(connection: aio.Connection) -> None:
        """One that does not read its answers is not read either."""
        with suppress(SealpipeError):
            async for message in connection:
                await connection.write(message.type, message.data)
        while connection.status not in ("closed", "disconnected", "error"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        say(event="left", status=connection.status)

    def _start(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _report(self, server: aio.Server) -> None:
        with open("/proc/self/status") as file:
            kibibytes = dict(re.findall(r"^(Vm\w+):\s+(\d+)", file.read(), re.MULTILINE))
        # What is in use is nearly all that a process has that was never as large before.
        gc.collect()
        say(
            event="report",
            bytes=int(kibibytes["VmRSS"]) * 1_024,
            rssBytes=int(kibibytes["VmRSS"]) * 1_024,
            peakRssBytes=int(kibibytes["VmHWM"]) * 1_024,
            errors=self._errors,
            codes=list(self._errors),
            connections=len(server.connections),
        )


if __name__ == "__main__":
    role, name, options = sys.argv[1:]
    asyncio.run(Attacked(role == "unread").run(name, options_of(json.loads(options))))
