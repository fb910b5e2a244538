"""A peer that says what the test makes it say."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class RawPeer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), 10)

    async def message(self) -> tuple[int, bytes]:
        """The type and the data of the next message on a plain wire."""
        body = await self.hear(int.from_bytes(await self.hear(4), "big"))
        return int.from_bytes(body[:4], "big"), body[4:]

    async def hear_end(self) -> bytes:
        """Everything until the end, orderly or not."""
        try:
            return await asyncio.wait_for(self.reader.read(), 10)
        except ConnectionResetError:
            return b""

    async def gone(self) -> None:
        self.writer.close()
        with suppress(BrokenPipeError, ConnectionResetError):
            await self.writer.wait_closed()


async def connect_raw(path: str) -> RawPeer:
    return RawPeer(*await asyncio.open_unix_connection(path))


async def connect_plainly(path: str) -> RawPeer:
    """A client that has finished its handshake with a plain server."""
    peer = await connect_raw(path)
    await peer.hear(2)
    await peer.say(b"\0")
    # A server that speaks native shows that after the size.
    await peer.hear(int.from_bytes(await peer.hear(4), "big"))
    await peer.say(b"\0")
    return peer
