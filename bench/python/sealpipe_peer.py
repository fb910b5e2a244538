"""The library in Python, by both of its faces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from peer import AsyncChannel, BlockingChannel, Options

import sealpipe
import sealpipe.aio

_MESSAGE_TYPE = 1
_CONNECT_TIMEOUT = 20


class BlockingSealpipePeer:
    def __init__(self, options: Options) -> None:
        self._options = options

    def listen(self, name: str, opened: Callable[[BlockingChannel], None]) -> Callable[[], None]:
        server = sealpipe.serve(name, **self._options)

        def accept() -> None:
            with suppress(sealpipe.CallerError):
                while True:
                    channel = BlockingSealpipeChannel(server.accept())
                    threading.Thread(target=opened, args=(channel,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return server.close

    def connect(self, name: str) -> BlockingChannel:
        return BlockingSealpipeChannel(sealpipe.connect(name, connect_timeout=_CONNECT_TIMEOUT, **self._options))


class BlockingSealpipeChannel:
    def __init__(self, endpoint: sealpipe.Client | sealpipe.Connection) -> None:
        self._endpoint = endpoint

    def send(self, body: bytes) -> None:
        self._endpoint.write(_MESSAGE_TYPE, body)

    def receive(self, handle: Callable[[bytes], None]) -> None:
        for message in self._endpoint:
            handle(message.data)

    def close(self) -> None:
        self._endpoint.close()


class AsyncSealpipePeer:
    def __init__(self, options: Options) -> None:
        self._options = options

    async def listen(
        self, name: str, opened: Callable[[AsyncChannel], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        server = await sealpipe.aio.serve(name, **self._options)

        async def accept() -> None:
            conversations = set()
            with suppress(sealpipe.CallerError):
                while True:
                    channel = AsyncSealpipeChannel(await server.accept())
                    conversations.add(asyncio.ensure_future(opened(channel)))

        accepting = asyncio.ensure_future(accept())

        async def close() -> None:
            await server.close()
            await accepting

        return close

    async def connect(self, name: str) -> AsyncChannel:
        return AsyncSealpipeChannel(await sealpipe.aio.connect(name, connect_timeout=_CONNECT_TIMEOUT, **self._options))


class AsyncSealpipeChannel:
    def __init__(self, endpoint: sealpipe.aio.Client | sealpipe.aio.Connection) -> None:
        self._endpoint = endpoint

    async def send(self, body: bytes) -> None:
        await self._endpoint.write(_MESSAGE_TYPE, body)

    async def receive(self, handle: Callable[[bytes], Awaitable[None] | None]) -> None:
        async for message in self._endpoint:
            waits = handle(message.data)
            if waits is not None:
                await waits

    async def close(self) -> None:
        await self._endpoint.close()
