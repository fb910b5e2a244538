"""``websockets`` on asyncio, over a Unix socket, without compression."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from peer import AsyncChannel, socket_path
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.asyncio.server import ServerConnection, unix_serve


class WebsocketsPeer:
    async def listen(
        self, name: str, opened: Callable[[AsyncChannel], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        async def handle(connection: ServerConnection) -> None:
            await opened(WebsocketsChannel(connection))

        server = await unix_serve(handle, socket_path(name), compression=None, max_size=None)

        async def close() -> None:
            server.close()
            await server.wait_closed()

        return close

    async def connect(self, name: str) -> AsyncChannel:
        return WebsocketsChannel(await unix_connect(socket_path(name), compression=None, max_size=None))


class WebsocketsChannel:
    def __init__(self, connection: ClientConnection | ServerConnection) -> None:
        self._connection = connection
        self.send = connection.send

    async def receive(self, handle: Callable[[bytes], Awaitable[None] | None]) -> None:
        async for body in self._connection:
            waits = handle(body)
            if waits is not None:
                await waits

    async def close(self) -> None:
        await self._connection.close()
