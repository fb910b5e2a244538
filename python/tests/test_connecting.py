"""What a client says of its tries to connect, and how to have it try once."""

from __future__ import annotations

import asyncio
import pathlib
import queue
import sys

import pytest

import sealpipe
from sealpipe import aio

from .support.names import fresh_name
from .support.waiting import until
from .support.wire import frame, uint32

on_uvloop = pytest.param(
    "uvloop", marks=pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
)
loops = pytest.mark.parametrize("loop", ["asyncio", on_uvloop])


async def test_a_client_that_does_not_retry_says_at_once_that_no_server_is_there() -> None:
    with pytest.raises(sealpipe.SystemError) as caught:
        await aio.connect(fresh_name(), retry=False, retry_delay=3600)
    assert caught.value.code == "ERR_CONNECT_FAILED"


async def test_a_client_that_does_not_retry_ends_when_its_server_leaves_in_order() -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    server = await aio.serve(name)
    client = await aio.connect(name, retry=False, on_error=errors.append)
    reading = asyncio.ensure_future(client.read())
    await server.close()
    with pytest.raises(sealpipe.CallerError) as caught:
        await reading
    assert caught.value.code == "ERR_CLOSED"
    assert (client.status, errors) == ("disconnected", [])
    with pytest.raises(sealpipe.CallerError):
        await client.write(1, "")
    with pytest.raises(sealpipe.CallerError):
        await client.connected()
    await client.close()
    assert client.status == "disconnected"


async def test_a_client_that_waits_tells_of_each_pause() -> None:
    name = fresh_name()
    retries: asyncio.Queue[aio.Retry] = asyncio.Queue()
    client = aio.create_client(name, retry_delay=0.004, max_retry_delay=0.016, on_retrying=retries.put_nowait)
    for attempt in (2, 3, 4):
        retry = await retries.get()
        assert retry.attempt == attempt
        assert isinstance(retry.error, sealpipe.SystemError)
        assert 0.002 <= retry.delay <= 0.016
        assert client.last_error is not None
    async with aio.serve(name) as server:
        assert await client.connected(timeout=20) is client
        assert client.last_error is None
        await server.accept(timeout=20)
    while (retry := await retries.get()).attempt != 1:
        pass
    assert retry.error is None
    async with aio.serve(name):
        await client.connected(timeout=20)
        assert client.status == "connected"
    await client.close()


async def test_connected_waits_no_longer_than_it_is_told_and_the_client_goes_on() -> None:
    client = aio.create_client(fresh_name(), retry_delay=0.01)
    with pytest.raises(sealpipe.SystemError, match=r"within 0\.05 s; the last try") as caught:
        await client.connected(timeout=0.05)
    assert caught.value.code == "ERR_CONNECT_TIMEOUT"
    assert client.status == "connecting"
    with pytest.raises(sealpipe.CallerError) as refused:
        await client.connected(timeout=-1)
    assert refused.value.code == "ERR_INVALID_OPTION"
    waiting = asyncio.ensure_future(client.connected())
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(sealpipe.CallerError) as closed:
        await waiting
    assert closed.value.code == "ERR_CLOSED"


def test_the_blocking_client_has_the_same() -> None:
    name = fresh_name()
    retries: queue.Queue[sealpipe.Retry] = queue.Queue()
    with sealpipe.create_client(name, retry_delay=0.01, on_retrying=retries.put) as client:
        assert retries.get(timeout=20).attempt == 2
        assert client.last_error is not None
        with pytest.raises(sealpipe.SystemError):
            client.connected(timeout=0.02)
        with sealpipe.serve(name):
            client.connected(timeout=20)
            assert client.status == "connected"
    with pytest.raises(sealpipe.SystemError) as caught:
        sealpipe.connect(name, retry=False)
    assert caught.value.code == "ERR_CONNECT_FAILED"


class OneHandshake:
    """A plain server that takes one client through its handshake, and hears it to its end."""

    def __init__(self) -> None:
        self.name = fresh_name()
        self.path = pathlib.Path(f"/tmp/{self.name}.sock")
        self.accepted = asyncio.Event()
        self.over = asyncio.Event()
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.set()
        try:
            writer.write(b"\2\0")
            self.heard += await reader.readexactly(1)
            writer.write(frame(uint32(10)))
            self.heard += await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.heard += type(error).__name__.encode()
        writer.close()
        self.over.set()

    async def __aenter__(self) -> OneHandshake:
        self.listener = await asyncio.start_unix_server(self.serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listener.close()
        # From Python 3.13 on the listener removes it itself.
        self.path.unlink(missing_ok=True)


@loops
async def test_a_connect_that_is_cancelled_in_the_handshake_leaves_nothing_and_hangs_up_on_nobody(loop: str) -> None:
    async with OneHandshake() as server:
        connecting = asyncio.ensure_future(aio.connect(server.name, encryption=False)._start())
        await server.accepted.wait()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await asyncio.wait_for(server.over.wait(), 10)
        assert server.heard == b"\0\0"
        await no_other_task()


# The handshake is over after some ten turns. A task that is cancelled before its first turn never begins.
@loops
@pytest.mark.parametrize("turns", range(1, 13))
async def test_whenever_a_connect_is_cancelled_it_ends_and_hangs_up_on_nobody(loop: str, turns: int) -> None:
    async with OneHandshake() as server:
        connecting = asyncio.ensure_future(aio.connect(server.name, encryption=False)._start())
        for _ in range(turns):
            await asyncio.sleep(0)
        connecting.cancel()
        done, _ = await asyncio.wait([connecting], timeout=10)
        assert done
        if not connecting.cancelled():
            await connecting.result().close()
        await asyncio.wait_for(server.over.wait(), 10)
        assert server.heard == b"\0\0"
        await no_other_task()


@loops
@pytest.mark.parametrize("turns", range(13))
async def test_whenever_a_client_is_closed_it_ends_and_hangs_up_on_nobody(loop: str, turns: int) -> None:
    statuses: list[sealpipe.Status] = []
    async with OneHandshake() as server:
        client = aio.create_client(server.name, encryption=False, on_status=statuses.append)
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(client.close(), 10)
        await asyncio.wait_for(server.over.wait(), 10)
        assert server.heard == b"\0\0"
        assert statuses[-2:] == ["closing", "closed"]


@loops
async def test_a_timeout_of_the_caller_cancels_a_connect_as_ever(loop: str) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(aio.connect(fresh_name())._start(), 0.01)


async def no_other_task() -> None:
    """The client ends in the background if nobody waits for it."""
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
