"""Executes commands with a peer on an event loop: a task reads, and hands each message to the present receiver."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

from commands import HELLO, Answer, Command, tell, tell_error, times_of
from content import Content
from peer import AsyncChannel, AsyncPeer

_BREATH_BYTES = 1_048_576
"""A sender lets others run after this many bytes, even if the peer has room."""


class AsyncWorker:
    def __init__(self, peer: AsyncPeer) -> None:
        self._peer = peer
        self._channel: AsyncChannel
        self._unlisten: Callable[[], Awaitable[None]] | None = None
        self._contents: dict[int, Content] = {}
        self._receiver: Callable[[bytes], Awaitable[None] | None] = self._send
        self._reading: asyncio.Future[None] | None = None

    async def run(self) -> None:
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            try:
                tell(await self._obey(json.loads(line)))
            except Exception as error:
                tell_error(error)

    async def _obey(self, command: Command) -> Answer:
        match command["do"]:
            case "listen":
                self._unlisten = await self._peer.listen(command["name"], self._opened)
            case "connect":
                await self._connect(command["name"])
            case "await-clients":
                pass  # the client has been answered, so it is there
            case "echo":
                self._receiver = self._send
            case "sink":
                self._sink(command)
            case "source":
                return await self._source(command)
            case "round-trips":
                return await self._round_trips(command)
            case "close":
                await self._channel.close()
                if self._unlisten is not None:
                    await self._unlisten()
            case unknown:
                raise ValueError(f"the program in Python does not do {unknown!r}")
        return {}

    async def _opened(self, channel: AsyncChannel) -> None:
        self._channel = channel
        await self._receive(channel)

    async def _connect(self, name: str) -> None:
        self._channel = await self._peer.connect(name)
        greeted = self._next()
        self._reading = asyncio.ensure_future(self._receive(self._channel))
        await self._channel.send(HELLO)
        if await greeted != HELLO:
            raise ValueError("the server answered with something else")

    async def _receive(self, channel: AsyncChannel) -> None:
        try:
            await channel.receive(lambda body: self._receiver(body))
        except Exception as error:
            tell_error(error)

    def _send(self, body: bytes) -> Awaitable[None]:
        return self._channel.send(body)

    def _next(self) -> asyncio.Future[bytes]:
        """The next message."""
        message: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._receiver = message.set_result
        return message

    def _sink(self, command: Command) -> None:
        content, count, check = self._content(command["bytes"]), command["count"], command["check"]
        number = 0

        def receive(body: bytes) -> Awaitable[None] | None:
            nonlocal number
            content.verify(number, body, check)
            number += 1
            return self._send(content.at(0)) if number == count else None

        self._receiver = receive

    async def _source(self, command: Command) -> Answer:
        content = self._content(command["bytes"])
        taken = self._next()
        send = self._channel.send
        breath = max(1, _BREATH_BYTES // content.bytes)
        started = perf_counter()
        for number in range(command["count"]):
            await send(content.at(number))
            if number % breath == 0:
                await asyncio.sleep(0)
        content.verify(0, await taken, "all")
        return {"elapsedMs": (perf_counter() - started) * 1e3}

    async def _round_trips(self, command: Command) -> Answer:
        """The next message is sent from the task that has read the answer to the last."""
        content, count, check = self._content(command["bytes"]), command["count"], command["check"]
        times: list[float] = []
        over = asyncio.get_running_loop().create_future()
        sent = started = perf_counter()

        def receive(body: bytes) -> Awaitable[None] | None:
            nonlocal sent
            now = perf_counter()
            content.verify(len(times), body, check)
            times.append(now - sent)
            if len(times) == count:
                over.set_result(None)
                return None
            sent = perf_counter()
            return self._send(content.at(len(times)))

        self._receiver = receive
        await self._send(content.at(0))
        await over
        return times_of(times, perf_counter() - started)

    def _content(self, size: int) -> Content:
        if size not in self._contents:
            self._contents[size] = Content(size)
        return self._contents[size]
