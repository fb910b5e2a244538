"""What a forked child inherits. Each parent is a process of its own, as it is to be killed."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

import sealpipe

from .support.names import fresh_name

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")

_FORK = """
def fork():
    child = os.fork()
    if child == 0:
        {in_child}
        signal.pause()
    print(child, flush=True)
"""

_SERVERS = {
    "blocking": """
import os, signal, sys, sealpipe
{fork}
server = sealpipe.serve(sys.argv[1])
print("listens", flush=True)
connection = server.accept()
fork()
for message in connection:
    connection.write(1, message.text.upper())
""",
    "asyncio": """
import asyncio, os, signal, sys
from sealpipe import aio
{fork}
async def main():
    server = await aio.serve(sys.argv[1])
    print("listens", flush=True)
    connection = await server.accept()
    fork()
    async for message in connection:
        await connection.write(1, message.text.upper())
asyncio.run(main())
""",
}

_CLIENTS = {
    "blocking": """
import os, signal, sys, sealpipe
{fork}
client = sealpipe.connect(sys.argv[1])
fork()
client.write(1, "hello")
client.read()
""",
    "asyncio": """
import asyncio, os, signal, sys
from sealpipe import aio
{fork}
async def main():
    client = await aio.connect(sys.argv[1])
    fork()
    await client.write(1, "hello")
    await client.read()
asyncio.run(main())
""",
}


class _Parent:
    def __init__(self, script: str, name: str, in_child: str = "pass") -> None:
        program = script.format(fork=_FORK.format(in_child=in_child))
        self.process = subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE, text=True)
        self._child = 0

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def forked(self) -> None:
        self._child = int(self.line())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.kill()
        if self._child:
            assert _is_alive(self._child), "the child outlives its parent, or the test has shown nothing"
            os.kill(self._child, signal.SIGKILL)
        assert self.process.stdout is not None
        self.process.stdout.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _parent(script: str, name: str, in_child: str = "pass") -> Generator[_Parent, None, None]:
    parent = _Parent(script, name, in_child)
    try:
        yield parent
    finally:
        parent.end()
        # It was killed, and so may have left its socket.
        pathlib.Path(f"/tmp/{name}.sock").unlink(missing_ok=True)


def _until(holds: Callable[[], bool]) -> None:
    patience = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < patience, "it never came to that"
        time.sleep(0.01)


@pytest.mark.parametrize("face", _SERVERS)
def test_a_server_that_is_killed_is_gone_though_a_child_of_it_lives(face: str) -> None:
    name = fresh_name()
    with _parent(_SERVERS[face], name) as parent:
        assert parent.line() == "listens"
        with sealpipe.connect(name, connect_timeout=10) as client:
            parent.forked()
            client.write(1, "hello")
            assert client.read(10).text == "HELLO"
            parent.kill()
            _until(lambda: client.status == "reconnecting")
            with sealpipe.serve(name) as server:
                _until(lambda: client.status == "connected")
                client.write(1, "again")
                assert server.read(10).text == "again"


@pytest.mark.parametrize("face", _SERVERS)
def test_a_server_goes_on_though_a_child_of_it_drops_all_that_it_inherited(face: str) -> None:
    name = fresh_name()
    with _parent(_SERVERS[face], name, "import gc; gc.collect()") as parent:
        assert parent.line() == "listens"
        with sealpipe.connect(name, connect_timeout=10) as client:
            parent.forked()
            for _ in range(3):
                client.write(1, "hello")
                assert client.read(10).text == "HELLO"
            assert os.path.exists(f"/tmp/{name}.sock")


@pytest.mark.parametrize("face", _CLIENTS)
def test_a_client_that_is_killed_has_left_though_a_child_of_it_lives(face: str) -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server, _parent(_CLIENTS[face], name) as parent:
        connection = server.accept(10)
        parent.forked()
        assert connection.read(10).text == "hello"
        parent.kill()
        _until(lambda: connection.status in ("disconnected", "reconnecting"))


_CLOSE = {
    "blocking": """
        try: server.close()
        except RuntimeError as error: assert "by the parent" in str(error)
""",
    "asyncio": """
        import gc
        from sealpipe.transport.unix_socket_listener import UnixSocketListener
        [inherited] = [found for found in gc.get_objects() if isinstance(found, UnixSocketListener)]
        try: inherited.close().send(None)
        except StopIteration: pass
""",
}


@pytest.mark.parametrize("face", _SERVERS)
def test_the_address_stays_its_servers_whatever_a_child_of_it_closes(face: str) -> None:
    name = fresh_name()
    with _parent(_SERVERS[face], name, _CLOSE[face].strip()) as parent:
        assert parent.line() == "listens"
        with sealpipe.connect(name, connect_timeout=10) as client:
            parent.forked()
            client.write(1, "hello")
            assert client.read(10).text == "HELLO"
            assert os.path.exists(f"/tmp/{name}.sock")
