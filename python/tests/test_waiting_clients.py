"""What a client that waits for a server knows, and how soon it is back."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import subprocess
import sys

import pytest

import sealpipe
from sealpipe import aio
from sealpipe.transport.address import Address
from sealpipe.transport.address_holder import ProcessTable, holder_of
from sealpipe.transport.address_watch import AddressWatch

from .support.names import fresh_name
from .support.waiting import until

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says so")


async def handshake_error(path: pathlib.Path, *, greeting: bytes, timeout: float) -> sealpipe.SealpipeError:
    """What a client says of a server that sends the greeting and no more."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path / "silent.sock"))
        server.listen()
        server.setblocking(False)
        loop = asyncio.get_running_loop()

        async def serve() -> None:
            peer, _ = await loop.sock_accept(server)
            with peer:
                await loop.sock_sendall(peer, greeting)
                await asyncio.Event().wait()

        serving = asyncio.ensure_future(serve())
        with pytest.raises(sealpipe.SealpipeError) as caught:
            await aio.connect("silent", directory=str(path), retry=False, handshake_timeout=timeout)
        serving.cancel()
        return caught.value


@linux
async def test_a_silent_server_is_named_by_its_process_with_what_it_may_be(tmp_path: pathlib.Path) -> None:
    error = await handshake_error(tmp_path, greeting=b"", timeout=0.2)
    assert error.code == "ERR_HANDSHAKE_TIMEOUT"
    assert f"a server (the process {os.getpid()}) accepted the connection and said nothing within 0.2" in str(error)
    assert "It may hang, or be a golang-ipc server that already has its one client" in str(error)


async def test_a_server_that_has_said_something_is_not_taken_for_golang_ipcs(tmp_path: pathlib.Path) -> None:
    error = await handshake_error(tmp_path, greeting=b"\2", timeout=0.2)
    assert "accepted the connection and did not finish the handshake within 0.2" in str(error)
    assert "golang-ipc" not in str(error)


async def test_a_server_that_had_hardly_any_time_is_not_taken_for_one_that_hangs(tmp_path: pathlib.Path) -> None:
    error = await handshake_error(tmp_path, greeting=b"", timeout=0.01)
    assert "said nothing within 0.0" in str(error)
    assert "hang" not in str(error)


@linux
async def test_a_client_in_a_long_pause_is_back_as_soon_as_its_server_is() -> None:
    name = fresh_name()
    retries: asyncio.Queue[aio.Retry] = asyncio.Queue()
    async with aio.serve(name) as first:
        client = await aio.connect(name, retry_delay=3600, on_retrying=retries.put_nowait)
        await first.accept(timeout=20)
    # The first pause is short, for what came before the watch; the second is an hour, less up to half.
    while (await retries.get()).delay < 60:
        pass
    async with aio.serve(name) as second:
        await client.connected(timeout=20)
        assert await second.accept(timeout=20)
        await client.close()


def test_a_blocking_client_is_back_as_soon_as_well() -> None:
    name = fresh_name()
    with sealpipe.create_client(name, retry_delay=3600) as client, sealpipe.serve(name) as server:
        client.connected(timeout=20)
        client.write(1, "here")
        assert server.read(timeout=20).text == "here"


@linux
async def test_a_watch_sees_its_name_alone_and_ends_with_its_directory(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "watched"
    directory.mkdir()
    changes: asyncio.Queue[None] = asyncio.Queue()
    watch = AddressWatch(Address("unix-socket", f"{directory}/a.sock"), lambda: changes.put_nowait(None))
    assert watch.is_open
    (directory / "b.sock").touch()
    (directory / "a.sock").touch()
    await asyncio.wait_for(changes.get(), 20)
    (directory / "a.sock").rename(directory / "c.sock")
    await asyncio.wait_for(changes.get(), 20)
    os.link(directory / "c.sock", directory / "a.sock")
    await asyncio.wait_for(changes.get(), 20)
    assert changes.empty()
    directory.rename(tmp_path / "moved")
    await until(lambda: not watch.is_open)
    watch.close()


@linux
async def test_a_directory_that_is_not_there_is_not_watched(tmp_path: pathlib.Path) -> None:
    watch = AddressWatch(Address("unix-socket", f"{tmp_path}/gone/a.sock"), lambda: None)
    assert not watch.is_open
    watch.close()


@linux
def test_an_address_in_use_names_the_process_that_holds_it(tmp_path: pathlib.Path) -> None:
    program = (
        f"import sealpipe; s = sealpipe.serve('held', directory={str(tmp_path)!r}); print('up', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        with pytest.raises(sealpipe.SystemError) as caught:
            sealpipe.serve("held", directory=str(tmp_path))
        holder.communicate("\n", timeout=20)
    assert caught.value.code == "ERR_ADDRESS_IN_USE"
    assert f"a server is alive there, the process {holder.pid} (" in str(caught.value)


@linux
def test_a_holder_that_is_not_known_is_not_guessed(tmp_path: pathlib.Path) -> None:
    table = tmp_path / "unix"
    row = "0: 00000002 00000000 00010000 0001 01 {} {}"
    rows = ["Num RefCount Protocol Flags Type St Inode Path", row.format(7, "/x/a.sock"), row.format(8, "/x/b.sock")]
    table.write_text("\n".join(rows))
    processes = ProcessTable(sockets=str(table), processes=str(tmp_path))
    assert holder_of("/x/a.sock", processes) == ""
    descriptors = tmp_path / "41" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("socket:[7]")
    (tmp_path / "41" / "comm").write_text("an\x1bapp\n")
    assert holder_of("/x/a.sock", processes) == "the process 41 (an?app)"
    assert holder_of("/x/b.sock", processes) == ""
    # Two that may be it.
    table.write_text("\n".join([*rows, row.format(9, "/x/a.sock")]))
    assert holder_of("/x/a.sock", processes) == ""
    assert holder_of("/x/a.sock", ProcessTable(sockets="/nowhere")) == ""
