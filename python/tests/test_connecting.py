"""What a client says of its tries to connect, and how to have it try once."""

from __future__ import annotations

import asyncio
import queue

import pytest

import sealpipe
from sealpipe import aio

from .support.names import fresh_name


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
