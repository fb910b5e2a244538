"""Another user who owns the directory in which a server would listen, or can add to it."""

from __future__ import annotations

import os
import pathlib
import select
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

import sealpipe
from sealpipe import aio
from sealpipe.transport import trust, users
from sealpipe.transport.address import Address

from .support.names import fresh_name

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

OTHER_UID = 65_534


@pytest.fixture
def directory() -> Iterator[pathlib.Path]:
    path = pathlib.Path(f"/tmp/{fresh_name()}")
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def precious() -> Iterator[pathlib.Path]:
    """A directory of root's with what a server might remove or open to others by mistake."""
    path = pathlib.Path(f"/tmp/{fresh_name()}")
    path.mkdir(mode=0o755)
    for name in ("s", "d", "a.sock"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path / name))
    (path / "precious").write_text("precious")
    yield path
    shutil.rmtree(path)


def contents_of(path: pathlib.Path) -> list[tuple[str, int, int, int]]:
    found: list[tuple[str, int, int, int]] = []
    for entry in (path, *sorted(path.iterdir())):
        status = os.lstat(entry)
        found.append((entry.name, status.st_mode, status.st_uid, status.st_ino))
    return found


@contextmanager
def swapper(directory: pathlib.Path, target: pathlib.Path, done: list[int]) -> Generator[IO[str], None, None]:
    command = [sys.executable, "-m", "tests.support.swapper", str(OTHER_UID), str(directory), str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.stdout
        finally:
            counts = process.communicate(timeout=10)[0].splitlines()[-1]
            done.extend(int(count) for count in counts.split())


@pytest.mark.parametrize("unmask", [False, True])
def test_the_owner_gets_no_server_of_ours_there(directory: pathlib.Path, precious: pathlib.Path, unmask: bool) -> None:
    before = contents_of(precious)
    os.chown(directory, OTHER_UID, -1)
    done: list[int] = []
    with swapper(directory, precious, done):
        for _ in range(20):
            with pytest.raises(sealpipe.SystemError, match="others could replace") as caught:
                sealpipe.serve("a", directory=str(directory), unmask_permissions=unmask)
            assert caught.value.code == "ERR_ADDRESS_UNTRUSTED"
    assert done == [0, 0]
    assert list(directory.iterdir()) == []
    assert contents_of(precious) == before


@pytest.mark.parametrize("trusted", [(), (OTHER_UID,), "any"])
def test_a_server_needs_a_directory_of_its_own_whomever_the_address_trusts(
    directory: pathlib.Path, trusted: users.Trust
) -> None:
    os.chown(directory, OTHER_UID, -1)
    below = directory / "below"
    below.mkdir()
    for path in (directory, below):
        with pytest.raises(sealpipe.SystemError, match="others could replace"):
            trust.check_directory_own(Address("unix-socket", f"{path}/a.sock", trusted))


@pytest.mark.parametrize("unmask", [False, True])
async def test_who_can_add_to_the_directory_has_nothing_of_ours_removed_or_opened(
    directory: pathlib.Path, precious: pathlib.Path, unmask: bool
) -> None:
    before = contents_of(precious)
    os.chmod(directory, 0o1777)
    path = directory / "a.sock"
    done: list[int] = []
    errors: list[sealpipe.SealpipeError] = []
    with swapper(directory, precious, done) as said:
        for number in range(1_000):
            # It needs its share of the processor to come in time.
            if number >= 20 and select.select([said], [], [], 0)[0]:
                break
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(str(path))
            async with aio.serve(
                "a",
                directory=str(directory),
                unmask_permissions=unmask,
                address_check_interval=0.01,
                on_error=errors.append,
            ) as server:
                path.unlink()
                async with aio.connect("a", directory=str(directory), connect_timeout=10, retry_delay=0.01):
                    await server.accept(timeout=10)
                assert stat.S_IMODE(os.lstat(path).st_mode) == (0o777 if unmask else 0o600)
            assert not path.exists()
    swapped, squatted = done
    assert swapped == 0
    assert squatted > 0
    assert errors == []
    assert contents_of(precious) == before


async def test_who_has_got_the_directory_only_later_has_nothing_put_back_or_removed_there(
    directory: pathlib.Path,
) -> None:
    errors: list[sealpipe.SealpipeError] = []
    server = await aio.serve("a", directory=str(directory), address_check_interval=0, on_error=errors.append)
    os.chown(directory, OTHER_UID, -1)
    await server.close()
    assert [error.code for error in errors] == ["ERR_ADDRESS_UNTRUSTED"]
    assert os.listdir(directory) == ["a.sock"]
