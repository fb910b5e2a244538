"""Cancels that come before their requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpipe.errors import PeerError
from sealpipe.protocol.native.requests.early_cancels import MAX_EARLY_CANCELS, MAX_OVERTAKEN, EarlyCancels
from sealpipe.protocol.native.requests.request_ids import MAX_REQUEST_ID, OwnRequestIds, PeerRequestIds


def test_a_cancel_of_a_request_that_is_yet_to_come_keeps_it_from_being_handled_once() -> None:
    cancels = EarlyCancels()
    cancels.add(2)
    assert [cancels.arrived(id) for id in (1, 2, 3)] == [False, True, False]
    # It has been there: this crossed the answer.
    cancels.add(2)
    assert not cancels.arrived(4)
    assert cancels._ids == set()


def test_a_request_that_small_ones_have_overtaken_can_still_be_cancelled() -> None:
    cancels = EarlyCancels()
    assert [cancels.arrived(id) for id in (5, 9, 3)] == [False, False, False]
    for id in (1, 2, 3, 4, 5, 6, 8, 9):
        cancels.add(id)
    assert cancels._ids == {1, 2, 4, 6, 8}
    assert [cancels.arrived(id) for id in (1, 2, 4, 7, 6, 8, 10)] == [True, True, True, False, True, True, False]
    assert not cancels._overtaken


def test_ids_wrap_around() -> None:
    cancels = EarlyCancels()
    cancels._last_arrived = MAX_REQUEST_ID - 1
    assert not cancels.arrived(2)
    for id in (MAX_REQUEST_ID, 0, 1, 2, 3):
        cancels.add(id)
    assert cancels._ids == {MAX_REQUEST_ID, 0, 1, 3}
    # Half the way round, none of them is before the last any more.
    assert not cancels.arrived(2**31 - 10)
    cancels.arrived(2**31 + 3)
    assert [run.first for run in cancels._overtaken] == [3, 2**31 - 9]
    cancels.arrived(2**31 + 4)
    assert [run.first for run in cancels._overtaken] == [2**31 - 9]


def test_what_a_peer_can_have_us_remember_is_bounded() -> None:
    cancels = EarlyCancels()
    for id in range(2, MAX_EARLY_CANCELS + 100):
        cancels.add(id)
    assert len(cancels._ids) == MAX_EARLY_CANCELS
    leaping = EarlyCancels()
    for id in range(1, 4 * MAX_OVERTAKEN, 2):
        leaping.arrived(id)
    assert len(leaping._overtaken) == MAX_OVERTAKEN
    # Also if a run is cut into two.
    wide = EarlyCancels()
    for id in range(1, 4 * MAX_OVERTAKEN + 2, 4):
        wide.arrived(id)
    wide.arrived(4 * MAX_OVERTAKEN - 1)
    assert len(wide._overtaken) == MAX_OVERTAKEN
    wide.arrived(4 * MAX_OVERTAKEN - 1)


@given(st.lists(st.tuples(st.sampled_from(["arrive", "cancel"]), st.integers(1, 40)), max_size=80))
def test_it_does_what_remembering_every_id_would_do(steps: list[tuple[str, int]]) -> None:
    cancels = EarlyCancels()
    arrived: set[int] = set()
    early: set[int] = set()
    for what, id in steps:
        if what == "cancel":
            cancels.add(id)
            if id not in arrived:
                early.add(id)
        elif id not in arrived:
            assert cancels.arrived(id) == (id in early)
            arrived.add(id)
            early.discard(id)


def test_own_ids_skip_those_in_use_and_begin_again_after_the_last() -> None:
    ids = OwnRequestIds(last=MAX_REQUEST_ID - 1)
    assert [ids.next(), ids.next()] == [MAX_REQUEST_ID, 1]
    ids._last = MAX_REQUEST_ID - 1
    assert ids.next() == 2
    assert [ids.settle(1), ids.settle(1)] == [True, False]


@pytest.mark.parametrize("id", [0, 1])
def test_an_id_that_is_0_or_in_use_is_refused(id: int) -> None:
    ids = PeerRequestIds()
    assert ids.arrived(1)
    with pytest.raises(PeerError) as caught:
        ids.arrived(id)
    assert caught.value.code == "ERR_FRAME_INVALID"
    ids.settle(1)
    assert not ids.has(1)
    assert not ids.cancelled(1)
