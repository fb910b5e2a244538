"""Addresses on a real file system."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import stat
import time
from collections.abc import Iterator
from typing import Any

import pytest

import sealpipe
import sealpipe.aio
from sealpipe import aio
from sealpipe.errors import SystemError
from sealpipe.transport import (
    dead_socket,
    file_identity,
    net_transport,
    runtime_directory,
    socket_file,
    staging_directory,
    trust,
    unix_socket_listener,
)
from sealpipe.transport.address import Address
from sealpipe.transport.socket_table import is_listed_as_listening

from .support.names import fresh_name


def code_of(act: Any) -> str:
    with pytest.raises(sealpipe.SealpipeError) as caught:
        act()
    return caught.value.code


def leave_dead_socket(path: pathlib.Path) -> None:
    """As a killed server does."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()


@pytest.fixture
def directory() -> Iterator[str]:
    # pytest's own paths may be too long for a socket.
    short = pathlib.Path(f"/tmp/{fresh_name()}")
    short.mkdir(mode=0o700)
    yield str(short)
    left = sorted(path.name for path in short.iterdir())
    for path in short.iterdir():
        path.unlink()
    short.rmdir()
    assert left in ([], ["a.sock"]), "the server left something beside its address"


@pytest.mark.parametrize(("unmask", "mode"), [(False, 0o600), (True, 0o777)])
@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_the_socket_appears_with_its_final_mode_whatever_the_umask(
    directory: str, unmask: bool, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with sealpipe.serve("a", directory=directory, unmask_permissions=unmask) as server:
            status = os.lstat(server.address)
            assert stat.S_ISSOCK(status.st_mode)
            assert stat.S_IMODE(status.st_mode) == mode
            assert os.listdir(directory) == ["a.sock"]
    finally:
        os.umask(before)
    assert os.listdir(directory) == []


def test_a_second_server_does_not_replace_the_first(directory: str) -> None:
    with sealpipe.serve("a", directory=directory) as first:
        assert code_of(lambda: sealpipe.serve("a", directory=directory)) == "ERR_ADDRESS_IN_USE"
        with sealpipe.connect("a", directory=directory, connect_timeout=10) as client:
            client.write(1, "hello")
            assert first.read(timeout=10).text == "hello"


def test_a_dead_socket_is_replaced(directory: str) -> None:
    leave_dead_socket(pathlib.Path(directory, "a.sock"))
    with (
        sealpipe.serve("a", directory=directory) as server,
        sealpipe.connect("a", directory=directory, connect_timeout=10) as client,
    ):
        client.write(1, "hello")
        assert server.read(timeout=10).text == "hello"


@pytest.mark.parametrize("what", ["file", "link to a dead socket", "dangling link"])
def test_what_is_no_socket_is_not_replaced(directory: str, what: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    if what == "file":
        path.write_text("mine")
    else:
        target = pathlib.Path(directory, "a.sock.d")
        path.symlink_to(target)
    before = os.lstat(path)
    assert code_of(lambda: sealpipe.serve("a", directory=directory)) == "ERR_ADDRESS_IN_USE"
    assert os.lstat(path).st_ino == before.st_ino


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_socket_is_neither_replaced_nor_connected_to(directory: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    leave_dead_socket(path)
    os.chown(path, 12_345, -1)
    assert code_of(lambda: sealpipe.serve("a", directory=directory)) == "ERR_ADDRESS_IN_USE"
    assert code_of(lambda: sealpipe.connect("a", directory=directory)) == "ERR_ADDRESS_UNTRUSTED"
    path.unlink()
    with sealpipe.serve("a", directory=directory) as server:
        os.chown(server.address, 12_345, -1)
        with pytest.raises(sealpipe.SystemError, match="belongs to the user 12345"):
            sealpipe.connect("a", directory=directory)
        for trusted in ("any", [12_345]):
            with sealpipe.connect("a", directory=directory, trust=trusted, connect_timeout=10):
                server.accept(timeout=10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_way_that_another_user_can_change_is_not_trusted(directory: str) -> None:
    os.chmod(directory, 0o777)
    assert code_of(lambda: sealpipe.serve("a", directory=directory)) == "ERR_ADDRESS_UNTRUSTED"
    assert code_of(lambda: sealpipe.connect("a", directory=directory)) == "ERR_ADDRESS_UNTRUSTED"
    os.chmod(directory, 0o1777)
    with sealpipe.serve("a", directory=directory):
        pass
    os.chmod(directory, 0o700)
    link = pathlib.Path(f"/tmp/{fresh_name()}")
    link.symlink_to(directory)
    try:
        with sealpipe.serve("a", directory=f"{link}/../{link.name}"):
            pass
        os.chown(link, 12_345, -1, follow_symlinks=False)
        assert code_of(lambda: sealpipe.serve("a", directory=str(link))) == "ERR_ADDRESS_UNTRUSTED"
    finally:
        link.unlink()


def test_a_way_of_links_without_an_end_is_not_trusted() -> None:
    link = pathlib.Path(f"/tmp/{fresh_name()}")
    link.symlink_to(link)
    try:
        address = Address("unix-socket", f"{link}/a.sock")
        assert code_of(lambda: trust.check_address_trusted(address)) == "ERR_ADDRESS_UNTRUSTED"
    finally:
        link.unlink()


def test_a_directory_that_is_not_there_is_told() -> None:
    missing = f"/tmp/{fresh_name()}"
    with pytest.raises(sealpipe.SystemError) as caught:
        sealpipe.serve("a", directory=missing)
    assert caught.value.code == "ERR_LISTEN_FAILED"
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_the_runtime_directory_is_the_users_own(directory: str) -> None:
    environment = {"XDG_RUNTIME_DIR": directory, "TMPDIR": "/tmp"}
    assert runtime_directory.runtime_directory("linux", environment) == directory
    for platform, broken in (
        ("freebsd", {}),
        ("darwin", {}),
        ("linux", {"XDG_RUNTIME_DIR": "relative"}),
        ("linux", {"XDG_RUNTIME_DIR": f"{directory}/missing"}),
        ("linux", {"XDG_RUNTIME_DIR": "/dev/null"}),
        ("darwin", {"TMPDIR": "/tmp"}),
    ):
        assert code_of(lambda: runtime_directory.runtime_directory(platform, broken)) == "ERR_NO_RUNTIME_DIRECTORY"


def test_the_runtime_directory_is_the_one_that_systemd_makes_if_the_variable_is_not_set(
    tmp_path: pathlib.Path,
) -> None:
    directory = str(tmp_path)
    own = f"{directory}/{os.geteuid()}"
    with pytest.raises(SystemError, match=r"is not set, and .*loginctl enable-linger"):
        runtime_directory.runtime_directory("linux", {}, directory)
    os.mkdir(own, 0o700)
    assert runtime_directory.runtime_directory("linux", {}, directory) == own
    assert runtime_directory.runtime_directory("linux", {"XDG_RUNTIME_DIR": ""}, directory) == own


def test_what_can_be_done_fits_what_is_wrong(tmp_path: pathlib.Path) -> None:
    directory = str(tmp_path)
    address = Address("unix-socket", f"{directory}/open/a.sock")
    os.mkdir(f"{directory}/open")
    os.chmod(f"{directory}/open", 0o777)
    for check in (trust.check_address_trusted, trust.check_directory_own):
        with pytest.raises(SystemError, match=r"without the sticky bit; .*chmod \+t.*/dev/shm"):
            check(address)
    os.symlink("loop", f"{directory}/loop")
    with pytest.raises(SystemError, match="too many symbolic links; correct the links"):
        trust.check_address_trusted(Address("unix-socket", f"{directory}/loop/a.sock"))


def test_the_runtime_directory_can_be_asked_for(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
    with sealpipe.serve("a", directory="runtime") as server:
        assert server.address == f"{directory}/a.sock"


def test_a_server_removes_only_what_is_its_own(directory: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    with sealpipe.serve("a", directory=directory):
        path.unlink()
        leave_dead_socket(path)
    assert path.exists()


async def test_a_socket_that_vanished_is_put_back(directory: str) -> None:
    errors: list[sealpipe.SealpipeError] = []
    async with sealpipe.aio.serve(
        "a", directory=directory, address_check_interval=0.01, on_error=errors.append
    ) as server:
        os.unlink(server.address)
        async with sealpipe.aio.connect("a", directory=directory, connect_timeout=10, retry_delay=0.01) as client:
            await client.write(1, "found")
            assert (await server.read(timeout=10)).text == "found"
        assert stat.S_IMODE(os.lstat(server.address).st_mode) == 0o600
    assert errors == []
    assert os.listdir(directory) == []


async def test_a_socket_that_made_way_for_another_is_told_once(directory: str) -> None:
    told: asyncio.Queue[sealpipe.SealpipeError] = asyncio.Queue()
    async with sealpipe.aio.serve(
        "a", directory=directory, address_check_interval=0.01, on_error=told.put_nowait
    ) as server:
        os.unlink(server.address)
        pathlib.Path(server.address).write_text("another's")
        assert (await asyncio.wait_for(told.get(), 10)).code == "ERR_ADDRESS_LOST"
        os.unlink(server.address)
        async with sealpipe.aio.connect("a", directory=directory, connect_timeout=10, retry_delay=0.01):
            await server.accept(timeout=10)
    assert told.empty()


async def test_of_many_servers_that_start_over_a_dead_socket_one_wins(directory: str) -> None:
    for _ in range(5):
        leave_dead_socket(pathlib.Path(directory, "a.sock"))
        starts = [asyncio.ensure_future(_start(directory)) for _ in range(8)]
        servers = [server for server in await asyncio.gather(*starts) if server is not None]
        assert len(servers) == 1
        async with sealpipe.aio.connect("a", directory=directory, connect_timeout=10):
            await servers[0].accept(timeout=10)
        await servers[0].close()
        assert os.listdir(directory) == []


async def _start(directory: str) -> sealpipe.aio.Server | None:
    try:
        return await sealpipe.aio.serve("a", directory=directory)
    except sealpipe.SystemError as error:
        assert error.code == "ERR_ADDRESS_IN_USE"
        return None


async def test_a_dead_socket_that_another_holds_is_left_until_that_one_lets_go(directory: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    leave_dead_socket(path)
    identity = file_identity.identify(str(path))
    assert identity is not None
    ours, theirs = pathlib.Path(directory, ".sp-ours00"), pathlib.Path(directory, ".sp-theirs")
    for staging in (ours, theirs):
        staging.mkdir(mode=0o700)
    os.link(path, theirs / "d")
    dead = dead_socket.DeadSocket(Address("unix-socket", str(path)), identity, str(ours / "d"))
    removing = asyncio.ensure_future(dead_socket.remove_dead_socket(dead))
    await asyncio.sleep(0)
    assert path.exists()
    # As if its process had been killed long ago.
    os.utime(theirs, (0, 0))
    await removing
    assert not path.exists()
    assert not theirs.exists()
    ours.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_dead_socket_is_not_held_by_another_user(directory: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    leave_dead_socket(path)
    identity = file_identity.identify(str(path))
    assert identity is not None
    ours, theirs = pathlib.Path(directory, ".sp-ours00"), pathlib.Path(directory, ".sp-theirs")
    for staging in (ours, theirs):
        staging.mkdir(mode=0o700)
    os.link(path, theirs / "d")
    # Never abandoned: if it counted at all, it would hold the socket for ever.
    in_an_hour = time.time() + 3_600
    os.utime(theirs, (in_an_hour, in_an_hour))
    os.chown(theirs, 12_345, -1)
    address = Address("unix-socket", str(path))
    await dead_socket.remove_dead_socket(dead_socket.DeadSocket(address, identity, f"{ours}/d"))
    assert not path.exists()
    (theirs / "d").unlink()
    theirs.rmdir()
    ours.rmdir()


def test_a_staging_directory_can_be_entered_by_this_user_whatever_the_umask(directory: str) -> None:
    before = os.umask(0o777)
    try:
        staging = staging_directory.make_staging_directory(Address("unix-socket", f"{directory}/a.sock"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.lstat(staging.path).st_mode) == 0o700
    staging.remove()


async def test_a_socket_is_not_put_back_over_another_that_comes_meanwhile(directory: str) -> None:
    told: asyncio.Queue[sealpipe.SealpipeError] = asyncio.Queue()
    another = pathlib.Path(directory, "another")
    leave_dead_socket(another)
    inode = os.lstat(another).st_ino
    async with sealpipe.aio.serve(
        "a", directory=directory, address_check_interval=0.01, on_error=told.put_nowait
    ) as server:
        os.unlink(server.address)
        # It has found nothing at its address, and is about to show a new socket there.
        while os.listdir(directory) == ["another"]:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)
        another.rename(server.address)
        assert (await asyncio.wait_for(told.get(), 10)).code == "ERR_ADDRESS_LOST"
    assert os.lstat(f"{directory}/a.sock").st_ino == inode


def test_a_socket_that_listens_is_in_the_kernels_table(directory: str) -> None:
    path = f"{directory}/a.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        assert not is_listed_as_listening(path)
        sock.listen()
        assert is_listed_as_listening(path)
        assert not is_listed_as_listening(f"{directory}/other.sock")
        assert not is_listed_as_listening(path, "/nowhere")


def test_what_is_bound_and_what_is_held_in_a_staging_directory_goes_with_it(directory: str) -> None:
    address = Address("unix-socket", f"{directory}/a.sock")
    staging = staging_directory.make_staging_directory(address)
    leave_dead_socket(pathlib.Path(staging.socket_path))
    leave_dead_socket(pathlib.Path(staging.hold_path))
    staging.remove()
    staging.remove()
    assert os.listdir(directory) == []


async def test_a_dead_socket_that_has_gone_or_made_way_is_left_alone(directory: str) -> None:
    path = pathlib.Path(directory, "a.sock")
    leave_dead_socket(path)
    address = Address("unix-socket", str(path))
    other = file_identity.FileIdentity(0, 0)
    await dead_socket.remove_dead_socket(dead_socket.DeadSocket(address, other, f"{directory}/.sp-hold"))
    assert path.exists()
    path.unlink()
    await dead_socket.remove_dead_socket(dead_socket.DeadSocket(address, other, f"{directory}/.sp-hold"))
    assert os.listdir(directory) == []


def test_what_killed_servers_left_is_removed_and_nothing_else(directory: str) -> None:
    leave_dead_socket(pathlib.Path(directory, "a.sock"))
    for name, age in ((".sp-killed", 100), (".sp-starts", 1), (".sp-else-where", 100), (".sp-theirs", 100)):
        pathlib.Path(directory, name).mkdir(mode=0o700)
        if name == ".sp-theirs":
            pathlib.Path(directory, name, name).write_text("no socket")
        then = time.time() - age
        os.utime(pathlib.Path(directory, name), (then, then))
    with sealpipe.serve("a", directory=directory):
        left = sorted(os.listdir(directory))
    assert left == [".sp-else-where", ".sp-starts", ".sp-theirs", "a.sock"]
    pathlib.Path(directory, ".sp-theirs", ".sp-theirs").unlink()
    for name in left[:3]:
        pathlib.Path(directory, name).rmdir()


async def test_an_address_that_others_keep_taking_is_given_up(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_dead_socket(pathlib.Path(directory, "a.sock"))

    async def never(_: object) -> None:
        """As if another server had put its own there each time."""

    monkeypatch.setattr(socket_file, "remove_dead_socket", never)
    with pytest.raises(sealpipe.SystemError, match="keep taking it"):
        await aio.serve("a", directory=directory)


async def test_a_dead_socket_that_others_hold_all_the_time_is_given_up(
    directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_dead_socket(pathlib.Path(directory, "a.sock"))

    def found_held(_: object) -> bool:
        return False

    monkeypatch.setattr(dead_socket, "_PATIENCE", 0.05)
    monkeypatch.setattr(dead_socket, "_remove_unless_held", found_held)
    with pytest.raises(sealpipe.SystemError, match="are starting there"):
        await aio.serve("a", directory=directory)


async def test_a_listener_that_cannot_remove_its_socket_says_so(
    directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[sealpipe.SealpipeError] = []
    server = await aio.serve("a", directory=directory, on_error=errors.append)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "not allowed")

    with monkeypatch.context() as patch:
        patch.setattr(unix_socket_listener, "remove_from_address", refuse)
        await server.close()
    assert [error.code for error in errors] == ["ERR_LISTEN_FAILED"]


class FakeStream:
    """What asyncio gives a protocol, as far as a transport asks it."""

    def __init__(self, *, half_close: bool = True) -> None:
        self.calls: list[str] = []
        self._half_close = half_close

    def __getattr__(self, name: str) -> Any:
        def called(*_: object, **__: object) -> None:
            self.calls.append(name)

        return called

    def can_write_eof(self) -> bool:
        return self._half_close

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _: str) -> None:
        """There is no socket behind it."""


class Told:
    def __init__(self) -> None:
        self.events: list[object] = []

    def chunk(self, chunk: bytes | memoryview) -> None:
        self.events.append(bytes(chunk))

    def ended(self) -> None:
        self.events.append("ended")

    def drained(self) -> None:
        self.events.append("drained")

    def closed(self, error: Exception | None) -> None:
        self.events.append(error)


def receive(transport: net_transport.NetTransport, data: bytes) -> None:
    """As asyncio does it."""
    transport.get_buffer(-1)[: len(data)] = data
    transport.buffer_updated(len(data))


async def test_transports_of_a_loop_read_into_one_buffer_and_none_gets_anothers_bytes() -> None:
    told = [Told(), Told()]
    transports = [net_transport.NetTransport() for _ in told]
    for transport, handler in zip(transports, told, strict=True):
        transport.connection_made(FakeStream())  # type: ignore[arg-type]
        transport.start(handler)
    for text in (b"one", b"other", b"third"):
        for number, transport in enumerate(transports):
            receive(transport, b"%d %s" % (number, text))
    assert told[0].events == [b"0 one", b"0 other", b"0 third"]
    assert told[1].events == [b"1 one", b"1 other", b"1 third"]
    assert transports[0].get_buffer(-1) is transports[1].get_buffer(-1)


async def test_what_comes_before_the_start_is_told_after_it() -> None:
    stream, told = FakeStream(), Told()
    transport = net_transport.NetTransport()
    transport.connection_made(stream)  # type: ignore[arg-type]
    receive(transport, b"early")
    assert stream.calls[-2:] == ["resume_reading", "pause_reading"]
    assert transport.eof_received()
    transport.resume_writing()
    lost = BrokenPipeError()
    transport.connection_lost(lost)
    transport.start(told)
    assert told.events == [b"early", "ended"]
    await asyncio.sleep(0)
    assert told.events[2:] == [lost]
    assert transport.pending_bytes == 0


async def test_where_there_is_no_half_close_one_end_ends_both_after_what_was_written() -> None:
    stream, told = FakeStream(half_close=False), Told()
    transport = net_transport.NetTransport()
    transport.connection_made(stream)  # type: ignore[arg-type]
    transport.start(told)
    transport.write(b"last")
    transport.end()
    assert stream.calls[-2:] == ["write", "close"]
    transport.end_and_destroy()
    assert stream.calls[-1] == "close"
    assert not transport.eof_received()
