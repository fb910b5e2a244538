"""What a process does that has no descriptor left. The shortage is the system's own, in this process."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from sealpipe import aio
from sealpipe.endpoint.client.reconnect import is_passing
from sealpipe.errors import SealpipeError, SystemError
from sealpipe.transport import acceptor
from sealpipe.transport.address import Address
from sealpipe.transport.unix_socket import UnixSockets

from .support.names import fresh_name
from .support.waiting import until


@contextmanager
def no_descriptor_left() -> Generator[None, None, None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.dup(0)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Tries:
    """Counts how often a server tries to accept, and has what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.errors: list[SealpipeError] = []
        accept = acceptor.Acceptor._accept

        def counted(this: acceptor.Acceptor) -> None:
            self.count += 1
            accept(this)

        monkeypatch.setattr(acceptor.Acceptor, "_accept", counted)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Tries:
    return Tries(monkeypatch)


@pytest.fixture
def strangers() -> Iterator[list[socket.socket]]:
    """Clients that have a descriptor already."""
    made = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    yield made
    for stranger in made:
        stranger.close()


async def echoes(client: aio.Client, connection: aio.Connection, times: int) -> None:
    for number in range(times):
        await client.write(1, str(number))
        await connection.write(2, (await connection.read(timeout=10)).data)
        assert (await client.read(timeout=10)).text == str(number)


async def test_a_server_tries_again_after_a_pause_and_goes_on_with_the_clients_that_it_has(
    tries: Tries, strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "_PAUSE", 3_600.0)
    name = fresh_name()
    async with aio.serve(name, on_error=tries.errors.append) as server, aio.connect(name) as client:
        connection = await server.accept(timeout=10)
        before = tries.count
        with no_descriptor_left():
            for stranger in strangers:
                stranger.connect(server.address)
            await until(lambda: tries.errors)
            await echoes(client, connection, 50)
        # The strangers still wait, so the socket was ready all the time.
        assert tries.count == before + 1
    [error] = tries.errors
    assert isinstance(error, SystemError)
    assert error.code == "ERR_LISTEN_FAILED"
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.EMFILE
    assert caplog.records == []


async def test_a_server_tells_of_each_shortage_once_and_takes_those_who_waited(
    tries: Tries, strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "_PAUSE", 0.005)
    name = fresh_name()
    async with aio.serve(name, encryption=False, on_error=tries.errors.append) as server:
        for shortage, stranger in enumerate(strangers, 1):
            with no_descriptor_left():
                stranger.connect(server.address)
                enough = tries.count + 10
                await until(lambda: tries.count >= enough)
            stranger.setblocking(False)
            # The server's hello.
            assert await asyncio.get_running_loop().sock_recv(stranger, 2) == b"\x02\x00"
            assert [error.code for error in tries.errors] == ["ERR_LISTEN_FAILED"] * shortage
        for stranger in strangers:
            stranger.close()
    assert caplog.records == []


async def test_what_cannot_connect_or_listen_for_want_of_a_descriptor_says_so_in_a_documented_code() -> None:
    address = Address("unix-socket", f"/tmp/{fresh_name()}.sock", ())
    with no_descriptor_left(), pytest.raises(SystemError) as connecting:
        await UnixSockets().connect(address)
    assert connecting.value.code == "ERR_CONNECT_FAILED"
    assert is_passing(connecting.value)
    with no_descriptor_left(), pytest.raises(SystemError) as listening:
        await aio.serve(fresh_name())
    assert listening.value.code == "ERR_LISTEN_FAILED"
