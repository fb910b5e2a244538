"""What holds exactly at a limit, and no longer one byte beyond it."""

from __future__ import annotations

import pytest

from sealpipe.errors import PeerError
from sealpipe.protocol.native.lanes.outgoing import Outgoing
from sealpipe.protocol.native.lanes.push_body import MAX_SHARED_BODY_BYTES
from sealpipe.protocol.native.lanes.receive_lane import ReceiveLane
from sealpipe.protocol.native.lanes.send_lane import FRAME_OVERHEAD_BYTES, SendLane
from sealpipe.protocol.native.streams.streams import StreamLimits, Streams, StreamsOptions
from sealpipe.protocol.session import RequestContent

WINDOW = 65_536


def runs_of(lane: SendLane) -> list[int]:
    """The lengths of what leaves at a time."""
    lane.window = 2**30
    runs: list[int] = []
    while lane.next_bytes():
        runs.append(len(lane.take()))
    return runs


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_body_of_the_max_that_is_shared_leaves_with_others_and_a_longer_one_alone(beyond: int) -> None:
    outgoing = Outgoing(has_streams=True)
    bytes_of_a_body = MAX_SHARED_BODY_BYTES + beyond
    for data in (b"", bytes(bytes_of_a_body - 4), b""):
        outgoing.message(1, data)
    for data in (b"", bytes(bytes_of_a_body - 4), b""):
        outgoing.answer(1, data)
    for data in (b"", bytes(bytes_of_a_body - 8), b""):
        outgoing.request(RequestContent(1, 1, data, None))
    large = 4 + bytes_of_a_body
    for lane, small in ((outgoing.messages, 8), (outgoing.answers, 8), (outgoing.requests, 12)):
        assert runs_of(lane) == ([small, large, small] if beyond else [small + large + small])


@pytest.mark.parametrize("beyond", [0, 1])
def test_an_opening_and_an_item_are_shared_up_to_the_same_limit(beyond: int) -> None:
    streams, lane = streams_of_a_server()
    streams.attach(StreamLimits(4, WINDOW), 2**20)
    id = streams.open(1, b"")
    streams.open(1, bytes(MAX_SHARED_BODY_BYTES + beyond - 8))
    streams.write(id, b"")
    streams.write(id, bytes(MAX_SHARED_BODY_BYTES + beyond - 4))
    streams.write(id, b"")
    large = 4 + MAX_SHARED_BODY_BYTES + beyond
    assert runs_of(lane) == ([12, large, 8, large, 8] if beyond else [12 + large + 8 + large + 8])


def streams_of_a_server() -> tuple[Streams, SendLane]:
    lane = SendLane(ordered=True)
    return Streams(StreamsOptions("server", StreamLimits(4, WINDOW), 2**20), lane), lane


@pytest.mark.parametrize(("missing", "is_full"), [(1, False), (0, True), (-1, True)])
def test_a_window_is_full_once_what_is_not_consumed_fills_it(missing: int, *, is_full: bool) -> None:
    lane = ReceiveLane(WINDOW)
    lane.receive(WINDOW - FRAME_OVERHEAD_BYTES - missing)
    position = lane.hold()
    assert lane.is_full == is_full
    lane.consume(position)
    assert not lane.is_full


@pytest.mark.parametrize("missing", [1, 0])
def test_an_item_may_begin_while_a_byte_of_its_streams_window_is_free(missing: int) -> None:
    streams, _ = streams_of_a_server()
    streams.begin_opening(1)
    streams.receive(1, WINDOW - missing)
    if missing:
        streams.begin_item(1)
        return
    with pytest.raises(PeerError) as caught:
        streams.begin_item(1)
    assert caught.value.code == "ERR_WINDOW_EXCEEDED"


def test_credit_is_for_what_was_sent_and_never_goes_back() -> None:
    streams, _ = streams_of_a_server()
    streams.attach(StreamLimits(4, WINDOW), 2**20)
    id = streams.open(1, b"")
    streams.write(id, bytes(1_000))
    sent = 8 + 1_000 + FRAME_OVERHEAD_BYTES
    # The same credit again is no harm.
    for consumed in (0, 0, 10, 10, sent, sent):
        streams.peer_consumes(id, consumed)
    for consumed in (sent + 1, sent - 1):
        with pytest.raises(PeerError) as caught:
            streams.peer_consumes(id, consumed)
        assert caught.value.code == "ERR_FRAME_INVALID"
