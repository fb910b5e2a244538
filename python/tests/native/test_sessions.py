"""Sessions of two ends, over connections that are cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealpipe.errors import PeerError, SealpipeError
from sealpipe.protocol.engine import Engine
from sealpipe.protocol.engine_options import ClosedEvent, OpenEvent
from sealpipe.protocol.limits import EngineLimits
from sealpipe.protocol.native.keepalive import Keepalive, KeepaliveLimits
from sealpipe.protocol.native.lanes.send_lane import SendLane
from sealpipe.protocol.native.options import SessionOver
from sealpipe.protocol.native.session import NativeSession, PeerLimits, SessionLimits
from sealpipe.protocol.native.streams.stream_ids import OwnStreamIds, is_id_of
from sealpipe.protocol.native.wire.frame import encode_frame
from sealpipe.protocol.native.wire.offers import FEATURE_BITS
from sealpipe.protocol.native.wire.trace_context import known_traceparent
from sealpipe.protocol.profile import AdminRequestCame, AnswerCame, CancelCame, FailureCame
from sealpipe.protocol.session import (
    CreditCame,
    Failure,
    ItemCame,
    StreamEnded,
    StreamOpened,
    StreamReset,
    StreamStopped,
    TraceContext,
)
from sealpipe.protocol.utf8 import cut_utf8, encode_utf8

from ..support.engine_probe import NATIVE, EngineProbe
from ..support.native import kinds_in, native_frame, plain_record
from ..support.native_pair import OFFERS, RESUMABLE, NativePair
from ..support.wire import client_handshake, pattern, server_handshake

TRACE = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b")
modes = pytest.mark.parametrize("encryption", [True, False], ids=["encrypted", "plain"])


def code_of(act: Any) -> str:
    with pytest.raises(SealpipeError) as caught:
        act()
    return caught.value.code


class TestResume:
    @modes
    def test_a_session_goes_on_where_it_was_cut_with_what_had_not_arrived(self, encryption: bool) -> None:
        pair = NativePair(encryption=encryption)
        first = pair.client.open_session
        for number in range(3):
            first.send(1, bytes([number]))
        pair.run()
        first.send(1, b"lost")
        pair.client.engine.take_output()
        pair.server.open_session.send(2, b"the other way")
        pair.cut()
        assert [data for _, data in pair.server.messages()] == [b"\0", b"\1", b"\2", b"lost"]
        assert pair.client.messages() == [(2, b"the other way")]
        assert pair.client.session is first
        assert first.is_resumable

    def test_a_server_without_the_session_begins_another(self) -> None:
        pair = NativePair()
        first = pair.client.open_session
        pair.server.session = None
        pair.cut()
        assert pair.client.session is not first
        [event] = pair.client.heard(OpenEvent)[-1:]
        assert (event.native.resumed, event.native.session_ended) == (False, None)

    def test_a_server_says_why_it_had_ended_the_session(self) -> None:
        pair = NativePair()
        pair.server.answer = SessionOver("ERR_FELL_BEHIND")
        pair.cut()
        assert pair.client.heard(OpenEvent)[-1].native.session_ended == "ERR_FELL_BEHIND"

    def test_a_client_that_cannot_prove_that_it_took_part_is_refused_and_told(self) -> None:
        pair = NativePair()
        identity = pair.client.open_session.identity
        assert identity is not None
        pair.client.open_session.identity = replace(identity, resumption_key=bytes(32))
        pair.cut()
        assert [end.error.code for end in pair.ends if end.error] == ["ERR_AUTHENTICATION_FAILED"] * 2

    def test_a_position_that_the_server_cannot_go_on_from_is_refused_and_told(self) -> None:
        pair = NativePair()
        pair.client.open_session.incoming.messages.received = 7
        pair.cut()
        assert [end.error.code for end in pair.ends if end.error] == ["ERR_FRAME_INVALID"] * 2

    def test_a_server_that_closes_takes_no_session_over(self) -> None:
        pair = NativePair()
        for end in pair.ends:
            end.engine.abandon()
            end.connect()
        pair.server.engine.close()
        pair.run()
        assert pair.client.heard(OpenEvent)[-1].native.resumed is False
        assert pair.client.error is None

    def test_an_answer_to_nothing_changes_nothing(self) -> None:
        pair = NativePair()
        pair.server.engine.resume(None)
        assert pair.server.engine.state == "open"

    def test_positions_within_a_record_are_gone_on_from(self) -> None:
        pair = NativePair()
        session = pair.client.open_session
        for number in range(3):
            session.send(1, bytes([number]))
        session.outgoing.messages.window = 10**6
        pair.client.engine.take_output()
        # The peer has the first alone.
        pair.server.open_session.incoming.messages.receive(9)
        pair.cut()
        assert [data for _, data in pair.server.messages()] == [b"\1", b"\2"]
        assert session.queued_bytes > 0
        pair.elapse(0.02)
        assert session.queued_bytes == 0

    def test_a_large_body_goes_on_with_its_next_part_and_counts_until_all_is_acknowledged(self) -> None:
        pair = NativePair()
        session = pair.client.open_session
        data = pattern(500_000)
        session.send(1, data)
        session.outgoing.messages.window = 10**7
        for _ in range(2):
            lane = session.outgoing.messages
            pair.server.engine.receive(plain_record(lane.take()))
        pair.server.listen()
        pair.server.engine.handle_timeout(pair.now)
        assert pair.server.open_session.incoming.has_bodies
        kept = pair.server.open_session.kept_bytes
        assert kept > 250_000
        pair.elapse(0.02)
        pair.server.open_session.incoming.forget_acknowledged()
        assert session.kept_bytes > 0
        pair.cut()
        assert pair.server.messages() == [(1, data)]
        assert session.settled_bytes > 250_000

    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from(["say", "large", "ask", "run", "some", "read", "cut"])), max_size=60))
    def test_whatever_is_cut_nothing_is_lost_twice_or_out_of_order(self, steps: list[tuple[str]]) -> None:
        pair = NativePair()
        sent: list[tuple[int, bytes]] = []
        asked: list[int] = []
        read: list[tuple[int, bytes]] = []
        handled: list[int] = []

        def hear() -> None:
            events = pair.server.events
            read.extend(pair.server.messages())
            pair.server.events = events
            handled.extend(request.id for request in pair.server.requests())

        for (step,) in steps:
            session = pair.client.open_session
            if step in ("say", "large"):
                data = pattern(200_000 if step == "large" else len(sent), len(sent))
                session.send(1, data)
                sent.append((1, data))
            elif step == "ask":
                asked.append(session.request(2, pattern(150_000 * (len(asked) % 2), 3)))
            elif step == "run":
                pair.run()
            elif step == "some":
                pair.run(1)
            elif step == "read":
                hear()
                pair.elapse(0.02)
            else:
                pair.cut()
        for _ in range(30):
            pair.run()
            hear()
            pair.elapse(0.02)
        assert read == sent
        assert sorted(handled) == asked
        assert pair.client.open_session.queued_bytes == 0


class TestLeftovers:
    def test_what_was_sent_and_what_was_not_are_told_apart(self) -> None:
        session = NativeSession(SessionLimits(1_000_000, (65_536, 65_536, 65_536), features=2))
        session.attach(PeerLimits(1_000_000, (200_000, 65_536, 65_536)), None)
        session.send(1, b"sent")
        assert session.outgoing.messages.take()
        large = pattern(300_000)
        session.send(2, large)
        session.outgoing.messages.take()
        session.send(3, b"unsent")
        session.send(4, pattern(20_000))
        session.request(5, b"sent")
        session.outgoing.requests.take()
        session.request(6, b"unsent", TRACE)
        session.request(7, pattern(200_000), TRACE)
        session.request(8, b"small")
        session.answer(9, b"")
        left = session.abandon()
        assert [tuple(message) for message in left.unacknowledged] == [(1, b"sent"), (2, large)]
        assert [tuple(message) for message in left.unsent] == [(3, b"unsent"), (4, pattern(20_000))]
        assert {(request.type, request.context) for request in left.unsent_requests} == {
            (6, TRACE),
            (7, TRACE),
            (8, None),
        }
        assert session.queued_bytes == 0

    def test_a_body_of_which_nothing_is_under_way_any_more_was_sent_in_part(self) -> None:
        lane = SendLane(ordered=False)
        lane.window = 10**7
        session = NativeSession(SessionLimits(10**6, (65_536, 65_536, 65_536)))
        session.attach(PeerLimits(10**6, (65_536, 10**7, 65_536)), None)
        session.request(1, pattern(400_000))
        requests = session.outgoing.requests
        requests.take()
        requests.acknowledge(requests.sent_position)
        assert requests.kept_bytes == 130_048
        drained = requests.drain()
        assert len(drained.sent) == 1
        assert drained.unsent == []

    def test_what_an_admin_request_asked_concerned_a_server_that_is_gone(self) -> None:
        session = NativeSession(SessionLimits(10**6, (65_536, 65_536, 65_536), features=FEATURE_BITS["admin"]))
        session.attach(PeerLimits(10**6, (65_536, 65_536, 65_536)), None)
        session.admin(1, b"")
        assert session.abandon().unsent_requests == []


class TestLanes:
    def test_a_lane_takes_turns_between_bodies_and_what_else_waits(self) -> None:
        pair = NativePair()
        session = pair.client.open_session
        first, second = session.request(1, pattern(400_000)), session.request(2, pattern(400_000))
        small = session.request(3, b"small")
        session.outgoing.requests.window = 10**8
        order: list[int] = []
        while session.outgoing.requests.next_bytes():
            frame = session.outgoing.requests.take()
            order.append(int.from_bytes(frame[4:8], "big"))
        assert order[:5] == [small, first, second, first, second]

    def test_a_record_has_room_for_as_many_runs_as_fit_and_the_lane_that_waited_comes_first(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        for lane in client.outgoing.lanes:
            lane.window = 10**8
        for _ in range(200):
            client.send(1, bytes(1_000))
        client.request(2, pattern(100_000))
        pair.run()
        assert len(pair.server.messages()) + len(pair.server.requests()) >= 200

    def test_a_message_that_was_written_first_leaves_first_unless_it_cannot(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        pair.passed = b""
        client.send(1, b"before")
        client.request(2, b"after")
        client.send(3, b"later")
        client.request(4, b"last")
        pair.run()
        assert kinds_in(pair.passed)[:4] == ["message", "message", "request", "request"]
        # One that the window holds up holds up nothing else.
        client.outgoing.messages.window = 0
        client.send(5, b"held")
        client.request(6, b"not held")
        pair.run()
        assert [request.type for request in pair.server.requests()][-1:] == [6]
        # Nor does a large one.
        client.outgoing.messages.window = 10**7
        client.send(7, pattern(300_000))
        client.request(8, b"beside")
        assert client.outgoing.messages.is_within_body is False
        pair.run()
        assert [request.type for request in pair.server.requests()] == [8]

    def test_what_is_written_before_a_resend_is_over_waits_for_its_messages_again(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        client.send(1, b"first")
        client.request(2, b"second")
        pair.client.engine.take_output()
        pair.cut()
        assert len(pair.server.messages()) == 1

    def test_an_acknowledgement_twice_changes_nothing_and_within_a_frame_is_refused(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        for _ in range(3):
            client.send(1, b"four")
        pair.run()
        lane = client.outgoing.messages
        assert lane.sent_position == 3 * (12 + 64)
        assert [lane.ends_frame(position) for position in (75, 76, 77, 151, 152)] == [False, True, False, False, True]
        client.outgoing.acknowledge((76, 0, 0, 0))
        client.outgoing.acknowledge((76, 0, 0, 0))
        for position in (75, 77, 1000):
            with pytest.raises(PeerError):
                client.outgoing.acknowledge((position, 0, 0, 0))

    def test_frames_ahead_leave_in_the_record_of_what_they_are_ahead_of(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        client.outgoing.requests.window = 10**7
        for count in (10, 16_300, 130_000):
            client.request(1, pattern(count), TRACE)
        for _ in range(4):
            client.request(2, pattern(16_000))
        client.request(3, pattern(16_000), TRACE)
        pair.run()
        requests = pair.server.requests()
        # The one that is cut comes beside the others.
        assert {(request.id, request.context) for request in requests} == {
            (id, TRACE if id in (1, 2, 3, 8) else None) for id in range(1, 9)
        }

    def test_the_weight_of_a_body_is_that_of_all_its_frames(self) -> None:
        lane = SendLane(ordered=True)
        lane.window = 10**9
        pair = NativePair()
        pair.client.open_session.send(1, pattern(400_000))
        queued = pair.client.open_session.queued_message_bytes
        assert queued == 400_000 + 4 * (4 + 64) + 8

    def test_an_empty_lane_can_be_rewound_to_where_it_is(self) -> None:
        lane = SendLane(ordered=True)
        assert [lane.can_rewind(position) for position in (-1, 0, 1)] == [False, True, False]
        lane.rewind(0)
        assert lane.all_sent
        assert not lane.is_within_body
        assert lane.left_position == 0


class TestRequests:
    def test_answers_failures_and_cancels_go_both_ways(self) -> None:
        pair = NativePair()
        for asking, answering in (pair.ends, pair.ends[::-1]):
            ids = [asking.open_session.request(type, b"?") for type in (1, 2, 3)]
            pair.run()
            assert [request.id for request in answering.requests()] == ids
            session = answering.open_session
            session.answer(ids[0], pattern(300_000))
            session.fail(ids[1], Failure("NOT_FOUND", "half \ud800", b"data"))
            asking.open_session.cancel(ids[2])
            pair.run()
            # The large one comes beside the other.
            assert sorted(asking.heard(AnswerCame, FailureCame)) == [
                AnswerCame(ids[0], pattern(300_000)),
                FailureCame(ids[1], "NOT_FOUND", "half �", b"data"),
            ]
            assert answering.heard(CancelCame) == [CancelCame(ids[2])]
            # Nobody waits any more.
            session.answer(ids[2], b"")
            session.fail(ids[2], Failure("LATE", ""))
            asking.open_session.cancel(ids[2])
            pair.run()
            assert asking.events == []

    def test_a_request_whose_cancel_has_overtaken_it_is_not_handled(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        client.outgoing.requests.window = 0
        id, kept = client.request(1, b"?"), client.request(2, b"?")
        client.cancel(id)
        pair.run()
        client.outgoing.requests.window = 65_536
        pair.run()
        assert [request.id for request in pair.server.requests()] == [kept]

    def test_an_answer_that_is_too_large_is_refused_and_can_still_be_given(self) -> None:
        pair = NativePair(limits=EngineLimits(max_message_bytes=100))
        id = pair.client.open_session.request(1, b"?")
        pair.run()
        server = pair.server.open_session
        assert code_of(lambda: server.answer(id, bytes(101))) == "ERR_MESSAGE_TOO_LARGE"
        server.answer(id, b"small")
        pair.run()
        assert pair.client.heard(AnswerCame) == [AnswerCame(id, b"small")]

    def test_requests_to_the_library_need_its_feature_at_both_ends(self) -> None:
        pair = NativePair()
        id = pair.client.open_session.admin(1, b"")
        pair.run()
        [came] = pair.server.heard(AdminRequestCame)
        assert (came.id, came.operation, came.data) == (id, 1, b"")
        pair = NativePair(NATIVE)
        assert code_of(lambda: pair.client.open_session.admin(1, b"")) == "ERR_PEER_WITHOUT_ADMIN"
        assert code_of(lambda: pair.client.open_session.streams) == "ERR_PEER_WITHOUT_STREAMS"
        assert pair.client.open_session.waiting_item_bytes == 0
        assert pair.client.open_session.kept_bytes == 0

    def test_a_request_to_the_library_that_was_cancelled_first_is_not_handled(self) -> None:
        pair = NativePair()
        client = pair.client.open_session
        client.outgoing.requests.window = 0
        client.cancel(client.admin(1, b""))
        pair.run()
        client.outgoing.requests.window = 65_536
        pair.run()
        assert pair.server.heard(AdminRequestCame) == []

    @pytest.mark.parametrize(
        ("text", "known"),
        [
            (TRACE.traceparent, TRACE.traceparent),
            ("cc" + TRACE.traceparent[2:] + "-more", TRACE.traceparent),
            (TRACE.traceparent + "-more", None),
            ("ff" + TRACE.traceparent[2:], None),
            ("00-" + 32 * "0" + "-b7ad6b7169203331-01", None),
            ("none", None),
        ],
    )
    def test_a_traceparent_is_known_by_its_version_0(self, text: str, known: str | None) -> None:
        assert known_traceparent(text) == known


class TestStreams:
    def test_items_go_both_ways_and_each_direction_ends_by_itself(self) -> None:
        pair = NativePair()
        for opening, opened in (pair.ends, pair.ends[::-1]):
            streams = opening.open_session.streams
            id = streams.open(5, b"?", TRACE)
            streams.write(id, b"one")
            streams.end(id)
            streams.end(id)
            pair.run()
            assert opened.heard(StreamOpened, ItemCame, StreamEnded) == [
                StreamOpened(id, 5, b"?", TRACE),
                ItemCame(id, b"one", 8 + 3 + 64),
                StreamEnded(id),
            ]
            theirs = opened.open_session.streams
            assert not theirs.consumed(id, 75)
            theirs.write(id, pattern(200_000))
            theirs.end(id)
            pair.run()
            [item, end] = opening.heard(ItemCame, StreamEnded)
            assert (item.data, end.id) == (pattern(200_000), id)
            assert streams.write(id, b"late")
            assert not streams.consumed(id, item.weight)
            streams.reset(id, Failure("LATE", ""))
            streams.stop_sending(id)
            streams.end(id)

    def test_a_writer_waits_for_credit_and_a_peer_that_wants_no_more_ends_it(self) -> None:
        pair = NativePair()
        client, server = pair.client.open_session.streams, pair.server.open_session.streams
        id = client.open(1, b"")
        client.write(id, pattern(60_000))
        assert not client.write(id, pattern(30_000))
        client.write(id, b"waits")
        client.end(id)
        assert pair.client.open_session.waiting_item_bytes == 5
        pair.run()
        first, second = pair.server.heard(ItemCame)
        assert server.consumed(id, first.weight)
        pair.run()
        assert pair.client.heard(CreditCame) == [CreditCame(id)]
        assert [type(event) for event in pair.server.heard(ItemCame, StreamEnded)] == [ItemCame, StreamEnded]
        assert not server.consumed(id, second.weight)
        other = client.open(1, b"")
        client.write(other, pattern(65_600))
        assert not client.write(other, b"dropped")
        client.end(other)
        pair.run()
        server.stop_sending(other)
        server.stop_sending(other)
        pair.run()
        assert pair.client.heard(StreamStopped) == [StreamStopped(other)]
        assert pair.client.open_session.waiting_item_bytes == 0
        server.stop_sending(other)

    def test_items_that_cross_a_stop_are_dropped(self) -> None:
        pair = NativePair()
        client, server = pair.client.open_session.streams, pair.server.open_session.streams
        id = client.open(1, b"")
        pair.run()
        server.stop_sending(id)
        client.write(id, b"crosses")
        pair.run()
        assert pair.server.heard(ItemCame) == []
        assert pair.client.heard(StreamStopped) == [StreamStopped(id)]

    def test_a_reset_ends_both_directions_and_frees_a_place(self) -> None:
        pair = NativePair()
        client, server = pair.client.open_session.streams, pair.server.open_session.streams
        ids = [client.open(1, b""), client.open(2, b"")]
        assert not client.can_open
        assert code_of(lambda: client.open(3, b"")) == "ERR_TOO_MANY_STREAMS"
        client.write(ids[0], pattern(66_000))
        client.write(ids[0], b"waits")
        pair.run()
        server.reset(ids[0], Failure("ENOUGH", "of it"))
        client.reset(ids[1], Failure("NO", "more"))
        pair.run()
        assert pair.client.heard(StreamReset) == [StreamReset(ids[0], "ENOUGH", "of it")]
        assert pair.server.heard(StreamReset) == [StreamReset(ids[1], "NO", "more")]
        assert client.can_open
        assert pair.server.open_session.kept_bytes == 0

    def test_a_large_opening_that_is_reset_before_its_end_is_not_heard(self) -> None:
        pair = NativePair()
        client = pair.client.open_session.streams
        id = client.open(1, pattern(200_000))
        client.reset(id, Failure("NO", ""))
        pair.run()
        assert [type(event) for event in pair.server.heard(StreamOpened, StreamReset)] == [StreamOpened, StreamReset]
        other = client.open(1, pattern(200_000))
        server = pair.server.open_session
        pair.client.open_session.outgoing.streams.window = 10**7
        pair.server.engine.receive(plain_record(pair.client.open_session.outgoing.streams.take()))
        pair.server.listen()
        server.streams.reset(other, Failure("NO", ""))
        pair.run()
        assert pair.server.heard(StreamOpened) == []

    def test_streams_go_on_after_a_cut(self) -> None:
        pair = NativePair()
        client = pair.client.open_session.streams
        id = client.open(1, b"")
        client.write(id, b"before")
        pair.client.engine.take_output()
        pair.cut()
        client.write(id, b"after")
        pair.run()
        assert [item.data for item in pair.server.heard(ItemCame)] == [b"before", b"after"]
        assert client.queued_bytes >= 0

    def test_a_peer_that_acknowledges_nothing_cannot_have_us_write_resets_without_end(self) -> None:
        pair = NativePair()
        server = pair.server.open_session
        for id in range(1, 30_001, 2):
            pair.server.engine.receive(plain_record(native_frame("stream-open", id, 1)))
            pair.server.listen()
            server.streams.reset(id, Failure("NO", "x" * 60))
            if pair.server.error is not None:
                break
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_WINDOW_EXCEEDED"

    @pytest.mark.parametrize(
        "frames",
        [
            [native_frame("stream-open", 2, 1)],
            [native_frame("stream-open", 0, 1)],
            [native_frame("stream-open", 3, 1), native_frame("stream-open", 1, 1)],
            [native_frame("stream-open", id, 1) for id in (1, 3, 5)],
            [native_frame("item", 1)],
            [native_frame("item", 0)],
            [native_frame("stream-open", 1, 1), native_frame("stream-end", 1), native_frame("item", 1)],
            [native_frame("stream-open", 1, 1), native_frame("stream-end", 1), native_frame("stream-end", 1)],
            [native_frame("stream-open", 1, 1), native_frame("stream-credit", 1, 0, 1)],
            [native_frame("stream-part", data=bytes(20_000))],
            [native_frame("item-start", 2, 100_000, data=bytes(20_000))],
            [
                native_frame("stream-open-start", 1, 1, 100_000, data=bytes(20_000)),
                native_frame("stream-open", 3, 1),
            ],
            [
                native_frame("stream-context", 1, data=bytes.fromhex(TRACE.traceparent.replace("-", ""))),
                native_frame("stream-end", 1),
            ],
        ],
    )
    def test_frames_that_a_stream_does_not_allow_are_refused(self, frames: list[bytes]) -> None:
        pair = NativePair()
        for frame in frames:
            pair.server.engine.receive(plain_record(frame))
            pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_FRAME_INVALID"

    def test_an_item_without_credit_is_refused(self) -> None:
        pair = NativePair()
        for frame in (native_frame("stream-open", 1, 1), *[native_frame("item", 1, data=bytes(66_000))] * 2):
            pair.server.engine.receive(plain_record(frame))
            pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_WINDOW_EXCEEDED"

    def test_what_comes_for_a_stream_that_is_over_is_ignored(self) -> None:
        pair = NativePair()
        server = pair.server.open_session.streams
        id = pair.client.open_session.streams.open(1, b"")
        pair.run()
        server.reset(id, Failure("NO", ""))
        pair.server.heard()
        for frame in (
            native_frame("item", id, data=b"late"),
            native_frame("stream-end", id),
            native_frame("stop-sending", id),
            native_frame("stream-credit", id, 0, 0),
            native_frame("stream-reset", id, data=b"\1NO"),
        ):
            pair.server.engine.receive(plain_record(frame))
            pair.server.listen()
        assert pair.server.events == []
        assert pair.server.error is None

    def test_the_client_gives_odd_ids_and_the_server_even_ones_and_both_wrap_around(self) -> None:
        for side, first in (("client", 1), ("server", 2)):
            ids = OwnStreamIds(side)  # type: ignore[arg-type]
            assert [ids.next(()), ids.next(()), ids.next({first + 4})] == [first, first + 2, first + 6]
            ids.last = 2**32 - 3 + first - 1
            assert [ids.next(()), ids.next(())] == [2**32 - 1, 1] if side == "client" else [2, 4]
            assert is_id_of(side, first)  # type: ignore[arg-type]


class TestConnections:
    @pytest.mark.parametrize("encryption", [True, False])
    def test_a_close_is_acknowledged_and_answered(self, encryption: bool) -> None:
        pair = NativePair(encryption=encryption)
        pair.client.open_session.send(1, b"last")
        pair.client.engine.close()
        pair.run()
        assert [end.engine.state for end in pair.ends] == ["closed", "closed"]
        assert [end.error for end in pair.ends] == [None, None]
        assert pair.server.messages() == [(1, b"last")]

    def test_a_peer_that_does_not_answer_a_close_is_dropped_in_time(self) -> None:
        pair = NativePair()
        pair.client.engine.close()
        pair.client.engine.take_output()
        at = pair.client.engine.next_timeout()
        assert at == pair.now + 5
        pair.now += 5
        pair.client.engine.handle_timeout(pair.now)
        assert isinstance(pair.client.engine.next_event(), ClosedEvent)
        assert pair.client.engine.is_done

    def test_what_arrives_after_a_close_is_dropped_and_not_acknowledged(self) -> None:
        pair = NativePair()
        pair.client.engine.close()
        pair.server.open_session.send(1, b"late")
        pair.run()
        assert pair.client.messages() == []
        assert pair.client.open_session.incoming.messages.acknowledged == 0

    def test_an_end_without_a_close_is_a_loss_unless_all_is_done(self) -> None:
        pair = NativePair()
        pair.client.engine.receive_end()
        pair.client.listen()
        assert pair.client.error is not None
        assert pair.client.error.code == "ERR_CONNECTION_LOST"
        pair = NativePair()
        pair.client.engine.close()
        while pair.client.engine.take_output():
            pass
        pair.client.engine.receive_end()
        pair.client.listen()
        assert pair.client.error is None

    def test_a_silent_peer_is_pinged_and_then_given_up(self) -> None:
        native = replace(RESUMABLE, keepalive=KeepaliveLimits(10, 4))
        pair = NativePair(native)
        pair.passed = b""
        pair.elapse(10)
        assert kinds_in(pair.passed) == ["ping", "ping", "pong", "pong"]
        assert pair.client.open_session.round_trip == 0
        # A pong of another token is none.
        pair.client.engine.receive(plain_record(native_frame("pong", 77)))
        pair.run()
        pair.now += 10
        pair.client.engine.handle_timeout(pair.now)
        pair.client.engine.take_output()
        pair.now += 4
        pair.client.engine.handle_timeout(pair.now)
        pair.client.listen()
        assert pair.client.error is not None
        assert pair.client.error.code == "ERR_KEEPALIVE_TIMEOUT"
        assert pair.client.engine.is_done

    def test_an_end_that_was_held_up_pings_once_more(self) -> None:
        keepalive = Keepalive(KeepaliveLimits(10, 4), 0)
        assert keepalive.handle_timeout(9) is None
        assert [keepalive.handle_timeout(now) for now in (10, 17, 21)] == ["ping", "ping", "dead"]

    def test_pings_whose_answers_are_not_read_are_refused(self) -> None:
        pair = NativePair()
        pair.server.engine.receive(plain_record(native_frame("ping", 1) * 65))
        pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_FRAME_INVALID"

    def test_a_large_body_that_comes_too_slowly_is_given_up_but_not_while_the_window_holds_it_up(self) -> None:
        pair = NativePair()
        start = native_frame("message-start", 1, 400_000, data=bytes(20_000))
        part = native_frame("message-part", data=bytes(20_000))
        pair.server.engine.receive(plain_record(start))
        pair.server.listen()
        for _ in range(2):
            pair.now += 29
            pair.server.engine.handle_timeout(pair.now)
            pair.server.engine.receive(plain_record(part) * 2)
            pair.server.listen()
        assert pair.server.error is None
        # Unread messages fill the window.
        session = pair.server.open_session
        session.incoming.messages.hold()
        session.incoming.messages.receive(70_000)
        pair.server.engine.receive(plain_record(native_frame("ping", 1)))
        pair.server.listen()
        pair.server.engine.take_output()
        pair.now += 100
        pair.server.engine.handle_timeout(pair.now)
        pair.server.engine.take_output()
        assert pair.server.engine.next_event() is None
        session.consumed("messages", session.incoming.messages.received)
        pair.server.engine.take_output()
        pair.now += 31
        pair.server.engine.handle_timeout(pair.now)
        pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_FRAME_TIMEOUT"

    def test_a_record_that_is_not_completed_in_time_is_given_up(self) -> None:
        pair = NativePair()
        pair.server.engine.receive(b"\0\0\0\x10\4")
        pair.server.listen()
        pair.elapse(30)
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_FRAME_TIMEOUT"

    def test_everything_consumed_is_acknowledged_at_once_if_it_is_much_and_with_the_next_record_if_it_is_some(
        self,
    ) -> None:
        pair = NativePair()
        for count, kinds in ((20_000, ["message", "acknowledge"]), (10_000, []), (1, [])):
            pair.client.open_session.send(1, bytes(count))
            pair.run()
            pair.server.messages()
            pair.passed = b""
            pair.run()
            assert kinds_in(pair.passed) == kinds[1:]
        pair.client.open_session.send(1, bytes(10_000))
        pair.run()
        pair.server.messages()
        pair.server.open_session.send(2, b"beside")
        pair.passed = b""
        pair.run()
        assert "acknowledge" in kinds_in(pair.passed)


class TestHandshakes:
    def test_both_ends_fall_back_to_the_classic_wire(self) -> None:
        for role, hello in (("client", server_handshake(True)), ("server", client_handshake(True))):
            probe = EngineProbe(role, True, native=NATIVE)  # type: ignore[arg-type]
            assert probe.receive(hello).events == ["open encrypted"]

    @pytest.mark.parametrize("demand", [{"profile": "native"}, {"secret": b"open sesame"}])
    def test_an_end_that_insists_on_native_leaves_a_peer_that_does_not_speak_it_in_order(
        self, demand: dict[str, Any]
    ) -> None:
        for role, hello in (("client", server_handshake(True)), ("server", client_handshake(True))):
            probe = EngineProbe(role, True, native=NATIVE, **demand)  # type: ignore[arg-type]
            probe.receive(hello)
            assert probe.state == "closing"
            assert probe.end().events == ["closed ERR_PEER_NOT_NATIVE"]

    def test_without_options_for_native_nothing_of_it_is_said(self) -> None:
        probe = EngineProbe("server", profile="native")
        assert probe.receive(b"\0").take_writes()[1:] == [b"\0\0\0\4\0\x30\0\0"]

    def test_different_secrets_are_seen_at_both_ends(self) -> None:
        pair = NativePair(encryption=True)
        for end, secret in zip(pair.ends, (b"a", b"b"), strict=True):
            end._options["secret"] = secret
            end.connect()
        pair.run()
        assert [end.error.code for end in pair.ends if end.error] == ["ERR_AUTHENTICATION_FAILED"] * 2

    def test_a_close_in_the_handshake_waits_for_its_end_and_nobody_can_resume_what_was_never_used(self) -> None:
        pair = NativePair()
        for end in pair.ends:
            end.session = None
            end.connect()
            end.engine.close()
        pair.run()
        assert [end.engine.state for end in pair.ends] == ["closed", "closed"]

    def test_nothing_but_a_hello_comes_first(self) -> None:
        for first in (native_frame("ping", 1), native_frame("ping", 1) * 2):
            pair = NativePair()
            pair.server.connect()
            for chunk in (b"\0", b"\1" + plain_record(first)):
                pair.server.engine.receive(chunk)
                pair.server.listen()
            assert pair.server.error is not None
            assert pair.server.error.code == "ERR_FRAME_INVALID"

    @pytest.mark.parametrize(
        ("session", "resumable"), [("01" + 16 * "00", False), ("02" + 56 * "00", True), ("02" + 56 * "00", False)]
    )
    def test_an_answer_that_was_not_asked_for_is_refused(self, session: str, resumable: bool) -> None:
        native = replace(NATIVE, resumable=resumable)
        probe = EngineProbe("client", native=native)
        probe.receive(bytes.fromhex("02000000000c003000007365616c70697031"))
        head = bytes.fromhex("0030000000010000000100000001000000000001000000")
        probe.receive(plain_record(encode_frame(1, head + bytes.fromhex(session))))
        assert probe.events == ["closed ERR_FRAME_INVALID"]

    @pytest.mark.parametrize(
        ("code", "reported"),
        [("ERR_FRAME_TOO_LARGE", "ERR_FRAME_TOO_LARGE"), ("ERR_NEW", "ERR_HANDSHAKE_REJECTED")],
    )
    def test_a_client_reports_why_the_server_refuses_it(self, code: str, reported: str) -> None:
        probe = EngineProbe("client", native=NATIVE)
        probe.receive(bytes.fromhex("02000000000c003000007365616c70697031"))
        head = bytes.fromhex("003000000001000000010000000100000000000100000003")
        said = bytes([len(code)]) + code.encode() + b"\3why"
        probe.receive(plain_record(encode_frame(1, head + said)))
        assert probe.events == [f"closed {reported}"]

    def test_an_end_that_keeps_no_sessions_begins_another_for_a_client_that_would_resume(self) -> None:
        pair = NativePair()
        pair.server._native = replace(RESUMABLE, resumable=False)
        pair.cut()
        assert pair.client.open_session.is_resumable is False

    def test_a_client_that_would_resume_waits_until_it_is_answered(self) -> None:
        pair = NativePair()
        for end in pair.ends:
            end.engine.abandon()
            end.connect()
        client, server = pair.client.engine, pair.server.engine
        while server.next_event() is None:
            for one, other in ((server, client), (client, server)):
                one.next_event()
                while write := one.take_output():
                    other.receive(write)
        assert server.state == "server-awaits-session"
        assert server.next_event() is None
        server.resume(pair.server.session)
        assert server.next_event() is not None

    def test_an_engine_can_be_abandoned_in_its_handshake(self) -> None:
        pair = NativePair()
        pair.client.connect()
        pair.client.engine.abandon()
        assert pair.client.engine.is_done

    def test_a_hello_with_an_unknown_kind_of_session_is_refused(self) -> None:
        probe = EngineProbe("client", native=NATIVE)
        probe.receive(bytes.fromhex("02000000000c003000007365616c70697031"))
        head = bytes.fromhex("003000000001000000010000000100000000000100000004")
        probe.receive(plain_record(encode_frame(1, head)))
        assert probe.events == ["closed ERR_FRAME_INVALID"]

    def test_a_classic_connection_has_messages_alone(self) -> None:
        probe = EngineProbe("client").receive(server_handshake(False))
        session = probe.session
        assert session is not None
        for act in (lambda: session.request(1, b""), lambda: session.admin(1, b""), lambda: session.streams):
            assert code_of(act) == "ERR_PEER_NOT_NATIVE"
        session.send(1, b"")
        assert session.abandon().unsent == []


class TestCorners:
    def test_a_context_that_was_not_agreed_on_is_refused(self) -> None:
        pair = NativePair(replace(RESUMABLE, offers=replace(OFFERS, features=FEATURE_BITS["streams"])))
        body = bytes.fromhex(TRACE.traceparent.replace("-", ""))
        pair.server.engine.receive(plain_record(native_frame("request-context", 1, data=body)))
        pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_FRAME_INVALID"

    def test_a_message_that_only_exceeds_the_window_is_refused_for_that(self) -> None:
        pair = NativePair()
        for _ in range(12):
            pair.server.engine.receive(plain_record(native_frame("message", 1, data=bytes(125_000))))
            pair.server.listen()
        assert pair.server.error is not None
        assert pair.server.error.code == "ERR_WINDOW_EXCEEDED"

    def test_a_position_that_is_consumed_late_moves_nothing_back(self) -> None:
        pair = NativePair()
        for _ in range(3):
            pair.client.open_session.send(1, b"")
        pair.run()
        lane = pair.server.open_session.incoming.messages
        for position, consumed in ((144, 144), (72, 144), (216, 216)):
            lane.consume(position)
            assert lane.consumed == consumed

    def test_what_waits_in_a_lane_is_kept_in_order(self) -> None:
        session = NativeSession(SessionLimits(10**6, (65_536, 65_536, 65_536), features=FEATURE_BITS["context"]))
        session.attach(PeerLimits(10**6, (65_536, 65_536, 65_536)), None)
        for _ in range(4):
            session.request(1, pattern(15_990))
        session.request(2, pattern(15_990), TRACE)
        session.send(3, pattern(20_000))
        session.send(4, b"after")
        assert session.queued_request_bytes > 75_000
        assert session.queued_answer_bytes == 0
        assert session.kept_bytes == 0
        assert len(session.abandon().unsent_requests) == 5

    def test_two_parts_of_one_body_are_one_of_the_leftovers(self) -> None:
        session = NativeSession(SessionLimits(10**6, (65_536, 65_536, 65_536)))
        session.attach(PeerLimits(10**6, (10**7, 65_536, 65_536)), None)
        session.send(1, pattern(400_000))
        session.outgoing.messages.take()
        session.outgoing.messages.take()
        left = session.abandon()
        assert [tuple(message) for message in left.unacknowledged] == [(1, pattern(400_000))]
        assert code_of(lambda: session.send(0, b"")) == "ERR_RESERVED_TYPE"
        assert code_of(lambda: session.send(True, b"")) == "ERR_TYPE_OUT_OF_RANGE"

    def test_streams_of_a_session_that_is_given_up_are_over(self) -> None:
        pair = NativePair()
        session = pair.client.open_session
        id = session.streams.open(1, b"")
        session.abandon()
        assert session.streams.write(id, b"")
        assert session.waiting_item_bytes == 0

    def test_an_item_that_is_cut_counts_with_all_its_parts(self) -> None:
        pair = NativePair()
        id = pair.client.open_session.streams.open(1, b"")
        pair.client.open_session.outgoing.streams.window = 10**7
        pair.client.open_session.streams.write(id, pattern(300_000))
        pair.run()
        [item] = pair.server.heard(ItemCame)
        assert item.weight == 300_000 + 3 * 68 + 8

    def test_replies_that_are_acknowledged_are_forgotten(self) -> None:
        pair = NativePair()
        for _ in range(3):
            id = pair.client.open_session.streams.open(1, b"")
            pair.run()
            pair.server.open_session.streams.reset(id, Failure("NO", ""))
            pair.run()
            pair.elapse(0.02)
        assert pair.server.open_session.streams._replies_bytes < 200

    def test_credit_for_less_than_all_lets_some_of_what_waits_go(self) -> None:
        pair = NativePair()
        client = pair.client.open_session.streams
        id = client.open(1, b"")
        for _ in range(4):
            client.write(id, pattern(40_000))
        pair.run()
        first, second = pair.server.heard(ItemCame)
        pair.server.open_session.streams.consumed(id, first.weight)
        pair.run()
        assert pair.client.heard(CreditCame) == []
        assert len(pair.server.heard(ItemCame)) == 1
        pair.server.open_session.streams.consumed(id, second.weight)
        pair.run()
        [fourth] = pair.server.heard(ItemCame)
        # With nothing that waits there is nothing to send.
        pair.server.open_session.streams.consumed(id, fourth.weight)
        pair.run()
        assert pair.client.open_session.waiting_item_bytes == 0


class TestUtf8:
    def test_half_of_a_pair_becomes_the_replacement_character_and_cuts_are_between_characters(self) -> None:
        assert encode_utf8("a\ud83d\ude00\ud800") == "a😀�".encode()
        assert [cut_utf8("a€".encode(), most) for most in (4, 3, 1)] == ["a€".encode(), b"a", b"a"]

    def test_a_long_message_of_a_failure_is_cut_to_what_fits(self) -> None:
        pair = NativePair()
        for data, most in ((None, 129_916), (bytes(65_536), 64_380)):
            id = pair.client.open_session.request(1, b"")
            pair.run()
            pair.server.requests()
            pair.server.open_session.fail(id, Failure("E", "€" * 100_000, data))
            pair.run()
            [failure] = pair.client.heard(FailureCame)
            assert len(failure.message.encode()) == most // 3 * 3


@given(st.binary(max_size=200), st.integers(0, 3))
def test_no_bytes_raise_anything_but_what_ends_the_connection(data: bytes, cut: int) -> None:
    for end in ("client", "server"):
        pair = NativePair()
        engine: Engine = getattr(pair, end).engine
        record = plain_record(data[:cut] + data)
        engine.receive(record if cut else data)
        getattr(pair, end).listen()
        assert engine.state in ("open", "closed")


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 0x50), st.binary(max_size=60)), min_size=1, max_size=6))
def test_no_frames_raise_anything_but_what_ends_the_connection(frames: list[tuple[int, bytes]]) -> None:
    pair = NativePair()
    record = b"".join(encode_frame(kind, body) for kind, body in frames)
    pair.server.engine.receive(plain_record(record))
    pair.server.listen()
    assert pair.server.engine.state in ("open", "closed")
    assert pair.server.error is None or pair.server.error.code.startswith("ERR_")
