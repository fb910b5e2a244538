from __future__ import annotations

import errno
import pathlib
import socket

import pytest

from sealpipe import aio
from sealpipe.endpoint.client.reconnect import Backoff, is_absence, is_crowded, is_passing
from sealpipe.errors import CallerError, PeerError, SystemError

from .support.names import fresh_name


def failed(number: int) -> SystemError:
    return SystemError("ERR_CONNECT_FAILED", "failed", OSError(number, "why"))


def test_pauses_double_up_to_the_longest_less_up_to_half_at_random() -> None:
    backoff = Backoff(0.1, 0.5, random=lambda: 0.0)
    assert [backoff.next() for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next() == 0.1
    assert Backoff(0.1, 0.5, random=lambda: 0.5).next() == pytest.approx(0.075)


def test_another_try_is_made_where_it_can_go_better() -> None:
    assert is_passing(failed(errno.ENOENT))
    assert is_passing(failed(errno.ECONNREFUSED))
    assert is_passing(PeerError("ERR_HANDSHAKE_TIMEOUT", ""))
    assert is_passing(PeerError("ERR_CONNECTION_LOST", ""))
    assert not is_passing(failed(errno.EACCES))
    assert not is_passing(PeerError("ERR_ENCRYPTION_REQUIRED", ""))
    assert not is_passing(CallerError("ERR_CLOSED", ""))
    assert is_absence(failed(errno.ENOENT))
    assert not is_absence(PeerError("ERR_CONNECTION_LOST", ""))


def test_a_crowd_is_told_from_an_absence() -> None:
    assert is_crowded(failed(errno.EAGAIN))
    assert not is_crowded(failed(errno.ENOENT))
    assert not is_crowded(PeerError("ERR_CONNECTION_LOST", ""))


async def test_a_client_that_finds_a_full_backlog_tries_again_and_is_not_fooled() -> None:
    name = fresh_name()
    path = f"/tmp/{name}.sock"
    crowd: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        for _ in range(2):
            waiting = socket.socket(socket.AF_UNIX)
            waiting.setblocking(False)
            crowd.append(waiting)
            if waiting.connect_ex(path) == errno.EAGAIN:
                break
        with pytest.raises(SystemError) as caught:
            await aio.connect(name, connect_timeout=0.2, retry_delay=0.01)
    for waiting in crowd:
        waiting.close()
    pathlib.Path(path).unlink()
    assert caught.value.code == "ERR_CONNECT_TIMEOUT"
    cause = caught.value.__cause__
    assert isinstance(cause, SystemError)
    assert is_crowded(cause)
