"""Frames as the shared vectors have them, in sessions that are open."""

from __future__ import annotations

from typing import Any

import pytest

from sealpipe.errors import PeerError
from sealpipe.protocol.close import CloseStart
from sealpipe.protocol.native.keepalive import KeepaliveLimits
from sealpipe.protocol.native.profile import NativeProfile, NativeProfileOptions
from sealpipe.protocol.native.session import NativeSession, PeerLimits, SessionLimits
from sealpipe.protocol.native.wire.frame import FRAME_KINDS
from sealpipe.protocol.native.wire.offers import FEATURE_BITS
from sealpipe.protocol.native.wire.record import RecordReader, RecordWriter
from sealpipe.protocol.profile import (
    AnswerCame,
    CancelCame,
    FailureCame,
    MessagesCame,
    PeerClosed,
    ProfileEvent,
    RequestCame,
)
from sealpipe.protocol.receive_buffer import ReceiveBuffer
from sealpipe.protocol.session import Failure, RequestContent

from ..support.native import AnyOwnIds, AnyPeerIds, frames_in, native_frame, plain_record
from ..support.vectors import name_of, read_vectors
from ..support.wire import pattern

FRAMES = read_vectors("native-frames.json")
SAID = [vector for vector in FRAMES if "says" in vector]
REFUSED = [vector for vector in FRAMES if "outcome" in vector]
FEATURE_FRAMES = read_vectors("native-feature-frames.json")
WINDOWS = (8_388_608, 2_097_152, 2_097_152)


class End:
    """One end of an open connection without encryption, whose peer is the vector."""

    def __init__(self, features: int = 0) -> None:
        self.now = 0.0
        limits = SessionLimits(max_message_bytes=3_145_728, windows=WINDOWS, features=features)
        self.session = NativeSession(limits, AnyOwnIds(), AnyPeerIds())
        self.session.attach(PeerLimits(3_145_728, WINDOWS), None)
        self.profile = NativeProfile(
            NativeProfileOptions(
                session=self.session,
                reader=RecordReader(),
                writer=RecordWriter(),
                encrypted=False,
                keepalive=KeepaliveLimits(1, 1),
                frame_timeout=1e6,
                now=lambda: self.now,
            )
        )
        self._input = ReceiveBuffer()

    def receive(self, records: bytes) -> list[ProfileEvent]:
        self._input.push(records)
        events: list[ProfileEvent] = []
        while (event := self.profile.receive(self._input)) is not None:
            events.append(event)
        return events

    def consume(self, records: bytes) -> None:
        for event in self.receive(records):
            assert isinstance(event, MessagesCame)
            for _, _, position in event.messages:
                self.session.consumed("messages", position)

    def write(self) -> bytes:
        """Everything that is written now."""
        return b"".join(iter(self.profile.take_output, b""))

    def elapse(self, seconds: float) -> None:
        self.now += seconds
        self.profile.handle_timeout(self.now)

    def say(self, what: dict[str, Any]) -> None:
        session, id = self.session, what.get("id", 0)
        kind = what["kind"]
        if kind == "message":
            session.send(what["type"], data_of(what))
        elif kind == "request":
            session.outgoing.request(RequestContent(id, what["type"], data_of(what)))
        elif kind == "answer":
            session.answer(id, data_of(what))
        elif kind == "failure":
            session.fail(id, Failure(what["code"], what.get("message", "")))
        elif kind == "cancel":
            session.cancel(id)
        elif kind == "ping":
            self.elapse(1)
        elif kind == "pong":
            self.receive(plain_record(native_frame("ping", 0xFFFF_FFFF)))
        else:
            assert kind == "close"
            self.profile.close(CloseStart("server", self.now, 0, 0, 5))


def data_of(what: dict[str, Any]) -> bytes:
    shape = what.get("dataPattern")
    return bytes.fromhex(what["data"]) if shape is None else pattern(shape["bytes"], shape["seed"])


def records_of(vector: dict[str, Any]) -> bytes:
    if "record" in vector:
        return bytes.fromhex(vector["record"])
    records: list[bytes] = []
    for frame in vector["frames"]:
        shape, start = frame.get("tailPattern"), frame.get("tailStart", 0)
        tail = b"" if shape is None else pattern(start + shape["bytes"], shape["seed"])[start:]
        records.append(plain_record(bytes.fromhex(frame["head"]) + tail))
    return b"".join(records)


def events_of(what: dict[str, Any]) -> list[ProfileEvent]:
    kind, id = what["kind"], what.get("id", 0)
    events: dict[str, Any] = {
        "message": lambda: MessagesCame([(what["type"], data_of(what), 0)]),
        "request": lambda: RequestCame(id, what["type"], data_of(what), None, 0),
        "answer": lambda: AnswerCame(id, data_of(what)),
        "failure": lambda: FailureCame(id, what["code"], what.get("message", ""), None),
        "cancel": lambda: CancelCame(id),
        "close": PeerClosed,
    }
    return [events[kind]()]


def without_positions(events: list[ProfileEvent]) -> list[ProfileEvent]:
    plain: list[ProfileEvent] = []
    for event in events:
        if isinstance(event, MessagesCame):
            plain.append(MessagesCame([(type, data, 0) for type, data, _ in event.messages]))
        elif isinstance(event, RequestCame):
            plain.append(event._replace(position=0))
        else:
            plain.append(event)
    return plain


def said(*kinds: str) -> pytest.MarkDecorator:
    vectors = [vector for vector in SAID if vector["says"]["kind"] in kinds]
    assert vectors
    return pytest.mark.parametrize("vector", vectors, ids=name_of)


@said("message", "request", "answer", "failure", "cancel", "close")
def test_a_frame_is_read_so(vector: dict[str, Any]) -> None:
    assert without_positions(End().receive(records_of(vector))) == events_of(vector["says"])


@said("message", "request", "answer", "failure", "cancel", "close", "ping", "pong")
def test_a_frame_is_written_so(vector: dict[str, Any]) -> None:
    if vector.get("read") == "only":
        assert without_positions(End().receive(records_of(vector))) == events_of(vector["says"])
        return
    end = End()
    end.say(vector["says"])
    assert end.write() == records_of(vector)


@said("acknowledge")
def test_an_acknowledgement_is_written_and_read_so(vector: dict[str, Any]) -> None:
    sender, receiver = End(), End()
    for what in vector["before"]:
        sender.say(what)
    receiver.consume(sender.write())
    assert receiver.write() == b""
    receiver.elapse(0.02)
    written = receiver.write()
    assert written == records_of(vector)
    assert sender.session.queued_bytes > 0
    assert sender.receive(written) == []
    assert sender.session.queued_bytes == 0


@said("acknowledge-soon")
def test_a_wish_for_an_acknowledgement_is_written_and_read_so(vector: dict[str, Any]) -> None:
    sender, receiver = End(), End()
    sender.session.send(1, b"")
    sender.session.ask_for_acknowledgement()
    written = sender.write()
    assert written.endswith(records_of(vector)[4:])
    receiver.consume(written)
    assert receiver.write()[4] == FRAME_KINDS["acknowledge"], "at once"


@said("ping")
def test_a_ping_is_answered(vector: dict[str, Any]) -> None:
    end = End()
    assert end.receive(records_of(vector)) == []
    assert end.write() == plain_record(native_frame("pong", data=records_of(vector)[8:]))


@said("pong")
def test_a_pong_causes_nothing(vector: dict[str, Any]) -> None:
    end = End()
    assert end.receive(records_of(vector)) == []
    assert end.write() == b""


@pytest.mark.parametrize("vector", REFUSED, ids=name_of)
def test_a_frame_that_is_not_allowed_is_refused(vector: dict[str, Any]) -> None:
    end = End()
    with pytest.raises(PeerError) as caught:
        end.receive(records_of(vector))
    assert caught.value.code == vector["outcome"]


def test_the_vectors_have_every_kind_but_those_that_have_files_of_their_own() -> None:
    elsewhere = {"hello", "failure-with-data", "request-context", "admin-request"}
    kinds = {frame[0] for vector in SAID for frame in frames_in(records_of(vector))}
    own = {kind for name, kind in FRAME_KINDS.items() if name not in elsewhere and kind < 0x40}
    assert kinds == own


@pytest.mark.parametrize("vector", FEATURE_FRAMES, ids=name_of)
def test_a_frame_of_a_feature_is_read_only_if_both_ends_have_it(vector: dict[str, Any]) -> None:
    record = plain_record(bytes.fromhex(vector["frame"]))
    features = FEATURE_BITS[vector["feature"]]
    if "outcome" in vector:
        with pytest.raises(PeerError) as caught:
            End(features).receive(record)
        assert caught.value.code == vector["outcome"]
    else:
        says = vector["says"]
        failure = FailureCame(says["id"], says["code"], says["message"], bytes.fromhex(says["data"]))
        assert End(features).receive(record) == [failure]
        writer = End(features)
        writer.session.fail(says["id"], Failure(*failure[1:]))
        assert writer.write() == record
    with pytest.raises(PeerError) as caught:
        End().receive(record)
    assert caught.value.code == "ERR_FRAME_INVALID"
