"""Servers on a file system without hard links."""

from __future__ import annotations

import asyncio
import errno
import os
import pathlib
import socket
import stat
import threading
import time
from typing import Any

import pytest

import sealpipe
import sealpipe.aio
from sealpipe.transport.rename_hold import lacks_links


@pytest.fixture(autouse=True)
def _without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: str, target: str, **_: Any) -> None:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "it exists", target)
        raise PermissionError(errno.EPERM, "there are no links", source)

    monkeypatch.setattr(os, "link", link)


def leave_dead_socket(path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()


def test_a_server_listens_with_its_sockets_mode_and_leaves_nothing_but_that(tmp_path: pathlib.Path) -> None:
    with sealpipe.serve("my-app", directory=str(tmp_path)):
        assert os.listdir(tmp_path) == ["my-app.sock"]
        assert stat.S_IMODE(os.stat(tmp_path / "my-app.sock").st_mode) == 0o600
    assert os.listdir(tmp_path) == []


def test_a_dead_socket_is_replaced_and_nothing_else_is(tmp_path: pathlib.Path) -> None:
    leave_dead_socket(tmp_path / "dead.sock")
    (tmp_path / "file.sock").write_text("kept")
    with sealpipe.serve("dead", directory=str(tmp_path)):
        for name, message in (("dead", "a server is alive"), ("file", "not a socket")):
            with pytest.raises(sealpipe.SystemError, match=message) as caught:
                sealpipe.serve(name, directory=str(tmp_path))
            assert caught.value.code == "ERR_ADDRESS_IN_USE"
    assert (tmp_path / "file.sock").read_text() == "kept"


def test_a_hold_that_a_killed_server_left_is_abandoned(tmp_path: pathlib.Path) -> None:
    hold = tmp_path / ".sp-aaaaaa" / "c-my-app.sock"
    hold.mkdir(parents=True)
    timer = threading.Timer(0.1, lambda: os.utime(hold, (time.time() - 60, time.time() - 60)))
    timer.start()
    with sealpipe.serve("my-app", directory=str(tmp_path)):
        timer.join()
        assert not hold.exists()


def test_of_servers_that_start_at_once_one_wins_100_times(tmp_path: pathlib.Path) -> None:
    for number in range(100):
        if number % 2:
            leave_dead_socket(tmp_path / "my-app.sock")
        barriers = threading.Barrier(3), threading.Barrier(3)
        outcomes: list[str] = []
        threads = [threading.Thread(target=_start, args=(str(tmp_path), barriers, outcomes)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["ERR_ADDRESS_IN_USE", "ERR_ADDRESS_IN_USE", "won"]
        assert os.listdir(tmp_path) == []


def _start(directory: str, barriers: tuple[threading.Barrier, threading.Barrier], outcomes: list[str]) -> None:
    ready, all_done = barriers

    async def start() -> None:
        ready.wait()
        try:
            server = await sealpipe.aio.serve("my-app", directory=directory)
        except sealpipe.SystemError as error:
            outcomes.append(error.code)
            await asyncio.to_thread(all_done.wait)
            return
        outcomes.append("won")
        await asyncio.to_thread(all_done.wait)
        await server.close()

    asyncio.run(start())


def test_other_errors_are_others() -> None:
    assert not lacks_links(FileExistsError(errno.EEXIST, ""))
    assert lacks_links(OSError(errno.ENOTSUP, ""))
