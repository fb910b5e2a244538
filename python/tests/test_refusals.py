"""Which refusals of clients a server reports."""

from __future__ import annotations

import pytest

import sealpipe
from sealpipe import aio
from sealpipe.endpoint.server.refusals import Refusals

from .support.names import fresh_name
from .support.waiting import until

NATIVE = sealpipe.PeerError("ERR_PEER_NOT_NATIVE", "the client speaks classic")
SECRET = sealpipe.PeerError("ERR_AUTHENTICATION_FAILED", "another secret")
LOST = sealpipe.PeerError("ERR_CONNECTION_LOST", "lost")


def test_they_are_reported_once_of_each_kind_and_later_with_the_number_that_were_not() -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    assert refusals.worth_telling(NATIVE) is NATIVE
    assert refusals.worth_telling(SECRET) is SECRET
    now = 9.999
    assert [refusals.worth_telling(NATIVE) for _ in range(3)] == [None, None, None]
    now = 10.0
    told = refusals.worth_telling(NATIVE)
    assert told is not None
    assert told.code == "ERR_PEER_NOT_NATIVE"
    assert told.message.startswith("the client speaks classic; 3 more of this kind")
    assert told.__cause__ is NATIVE
    assert refusals.worth_telling(SECRET) is SECRET, "none was left out"


def test_those_of_other_kinds_are_reported_each_time() -> None:
    refusals = Refusals(lambda: 0.0)
    assert [refusals.worth_telling(LOST) for _ in range(3)] == [LOST, LOST, LOST]


async def test_a_client_without_the_secret_that_comes_back_fills_no_log() -> None:
    errors: list[sealpipe.SealpipeError] = []
    async with aio.serve(fresh_name(), secret="a", on_error=errors.append) as server:
        for _ in range(3):
            with pytest.raises(sealpipe.PeerError):
                await aio.connect(server.name, secret="b", connect_timeout=10)
        refused = server._clients._refusals._told
        await until(lambda: refused["ERR_AUTHENTICATION_FAILED"].untold == 2)
    assert [error.code for error in errors] == ["ERR_AUTHENTICATION_FAILED"]
