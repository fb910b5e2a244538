"""Whole sessions, byte by byte, as the shared vectors have them, in each role."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from sealpipe.protocol.engine import Engine
from sealpipe.protocol.engine_options import ClosedEvent, EngineOptions, OpenEvent, ResumeEvent, Role
from sealpipe.protocol.limits import EngineLimits
from sealpipe.protocol.native.keepalive import KeepaliveLimits
from sealpipe.protocol.native.session import NativeSession
from sealpipe.protocol.native.wire.lanes import MIN_WINDOW
from sealpipe.protocol.native.wire.offers import FEATURE_BITS, NO_OFFERS, Offers
from sealpipe.protocol.profile import (
    AdminRequestCame,
    AnswerCame,
    CancelCame,
    FailureCame,
    MessagesCame,
    RequestCame,
)
from sealpipe.protocol.session import (
    Failure,
    ItemCame,
    StreamEnded,
    StreamOpened,
    StreamReset,
    StreamStopped,
    TraceContext,
)

from ..support.engine_probe import NATIVE, FixedCrypto
from ..support.vectors import read_vectors

STREAMS = replace(NO_OFFERS, features=FEATURE_BITS["streams"], max_concurrent_streams=2, stream_window=MIN_WINDOW)
TRACING = replace(STREAMS, features=FEATURE_BITS["streams"] | FEATURE_BITS["context"] | FEATURE_BITS["admin"])
FILES = {
    "native-connections.json": NO_OFFERS,
    "native-streams.json": STREAMS,
    "native-context.json": TRACING,
    "native-admin.json": TRACING,
}
Step = dict[str, Any]


def heard(event: Any) -> list[dict[str, Any]]:
    """What an event says, in the vectors' words."""
    if isinstance(event, MessagesCame):
        return [{"hears": "message", "type": type, "data": data.hex()} for type, data, _ in event.messages]
    if isinstance(event, OpenEvent):
        return [{"hears": "open", "resumed": event.native is not None and event.native.resumed}]
    if isinstance(event, ClosedEvent):
        return [{"hears": "closed"} if event.error is None else {"hears": "closed", "code": event.error.code}]
    names: dict[type, tuple[str, ...]] = {
        RequestCame: ("request", "id", "type", "data", "context"),
        AdminRequestCame: ("admin-request", "id", "operation", "data"),
        AnswerCame: ("answer", "id", "data"),
        FailureCame: ("failure", "id", "code", "message"),
        CancelCame: ("cancel", "id"),
        StreamOpened: ("stream", "id", "type", "data", "context"),
        ItemCame: ("item", "id", "data"),
        StreamEnded: ("stream-end", "id"),
        StreamReset: ("stream-reset", "id", "code", "message"),
        StreamStopped: ("stop-sending", "id"),
    }
    kind, *fields = names[type(event)]
    said: dict[str, Any] = {"hears": kind}
    for field in fields:
        value = getattr(event, field)
        if field == "context":
            said |= {} if value is None else {"traceparent": value.traceparent}
            said |= {} if value is None or value.tracestate is None else {"tracestate": value.tracestate}
        else:
            said[field] = value.hex() if isinstance(value, bytes) else value
    return [said]


def context_of(step: Step) -> TraceContext | None:
    return TraceContext(step["traceparent"], step.get("tracestate")) if "traceparent" in step else None


class Replay:
    """One side of a vector's session, through all of its connections."""

    def __init__(self, vector: dict[str, Any], role: Role, offers: Offers) -> None:
        self._vector = vector
        self._role: Role = role
        self._offers = offers
        self._now = 0.0
        self._session: NativeSession | None = None
        self._heard: deque[dict[str, Any]] = deque()
        self._items: deque[ItemCame] = deque()
        self._unconsumed: dict[str, deque[int]] = {"messages": deque(), "requests": deque()}

    def run(self) -> None:
        for connection in self._vector["connections"]:
            self._connect(connection.get(f"{self._role}PrivateKey", "01" * 48))
            for number, step in enumerate(connection["steps"]):
                try:
                    self._take(step)
                except AssertionError as error:
                    raise AssertionError(f"step {number}: {step}") from error
            self._listen()
            assert not self._heard, "nothing else was heard"
            assert self._engine.take_output() == b"", "nothing else was written"

    def _connect(self, key: str) -> None:
        vector = self._vector
        native = replace(
            NATIVE,
            resumable=vector["resumable"],
            offers=self._offers,
            keepalive=KeepaliveLimits(float("inf"), 10),
        )
        if self._role == "client":
            windows = tuple(vector.get("clientWindows", native.windows))
            native = replace(native, windows=windows, session=self._session)
        nonces = [bytes.fromhex(vector["sessionId"])] if "sessionId" in vector else []
        self._engine = Engine(
            EngineOptions(
                role=self._role,
                encryption=vector["encrypted"],
                secret=bytes.fromhex(vector["secret"]) if "secret" in vector else None,
                limits=EngineLimits(),
                crypto=FixedCrypto(bytes.fromhex(key), nonces),
                now=lambda: self._now,
                native=native,
            )
        )

    def _take(self, step: Step) -> None:
        self._listen()
        if step.get("from") == self._role:
            if step.get("part") == "end":
                assert self._engine.output_ended
            else:
                assert self._engine.take_output().hex() == step.get("record", step.get("bytes"))
        elif "from" in step:
            self._is_told(step)
        elif step["at"] == self._role and "does" in step:
            self._does(step)
        elif step["at"] == self._role:
            expected = {name: value for name, value in step.items() if name not in ("at", "times")}
            for _ in range(step.get("times", 1)):
                assert self._heard, "it heard nothing"
                assert self._heard.popleft() == expected

    def _is_told(self, step: Step) -> None:
        if step.get("part") == "end":
            self._engine.receive_end()
        elif "frame" in step:
            frames = bytes.fromhex(step["frame"]) * step["times"]
            self._engine.receive(len(frames).to_bytes(4, "big") + frames)
        else:
            self._engine.receive(bytes.fromhex(step.get("record") or step["bytes"]))
        self._listen()

    def _does(self, step: Step) -> None:  # noqa: PLR0912
        does, id = step["does"], step.get("id", 0)
        data = bytes.fromhex(step.get("data", ""))
        failure = Failure(step.get("code", ""), step.get("message", ""))
        if does == "wait":
            self._now = round(self._now + step["ms"] / 1000, 6)
            self._engine.handle_timeout(self._now)
            return
        if does == "close":
            return self._engine.close()
        if does == "cut":
            return self._engine.receive_end(OSError("cut"))
        session = self._session
        assert session is not None
        if does == "message":
            session.send(step["type"], data)
        elif does == "request":
            assert session.request(step["type"], data, context_of(step)) == id
        elif does == "admin-request":
            assert session.admin(step["operation"], data) == id
        elif does == "answer":
            session.answer(id, data)
        elif does == "fail":
            session.fail(id, failure)
        elif does == "cancel":
            session.cancel(id)
        elif does == "flush":
            session.ask_for_acknowledgement()
        elif does == "consume":
            lane = step.get("lane", "messages")
            session.consumed(lane, self._unconsumed[lane].popleft())
        elif does == "stream-open":
            assert session.streams.open(step["type"], data, context_of(step)) == id
        elif does == "item":
            session.streams.write(id, data)
        elif does == "stream-end":
            session.streams.end(id)
        elif does == "stream-reset":
            session.streams.reset(id, failure)
        elif does == "stop-sending":
            session.streams.stop_sending(id)
        else:
            assert does == "consume-item"
            for _ in range(step.get("times", 1)):
                item = self._items.popleft()
                session.streams.consumed(item.id, item.weight)

    def _listen(self) -> None:
        while (event := self._engine.next_event()) is not None:
            if isinstance(event, ResumeEvent):
                self._engine.resume(self._session)
                continue
            self._heard.extend(heard(event))
            if isinstance(event, OpenEvent):
                assert event.native is not None
                self._session = event.native.session
            elif isinstance(event, ItemCame):
                self._items.append(event)
            elif isinstance(event, MessagesCame):
                self._unconsumed["messages"].extend(position for _, _, position in event.messages)
            elif isinstance(event, RequestCame | AdminRequestCame):
                self._unconsumed["requests"].append(event.position)


REPLAYS = [
    pytest.param(vector, role, offers, id=f"{vector['name']} - the {role}")
    for file, offers in FILES.items()
    for vector in read_vectors(file)
    for role in vector["roles"]
]


@pytest.mark.parametrize(("vector", "role", "offers"), REPLAYS)
def test_an_engine_says_and_hears_what_a_session_has(vector: dict[str, Any], role: Role, offers: Offers) -> None:
    Replay(vector, role, offers).run()


def test_the_sessions_are_of_both_modes_with_a_secret_resumed_refused_and_closed() -> None:
    vectors = read_vectors("native-connections.json")
    assert {vector["encrypted"] for vector in vectors} == {True, False}
    assert any("secret" in vector for vector in vectors)
    assert any(len(vector["connections"]) > 1 for vector in vectors)
    codes = {step.get("code") for vector in vectors for one in vector["connections"] for step in one["steps"]}
    assert codes >= {"ERR_FRAME_INVALID", "ERR_WINDOW_EXCEEDED", "ERR_CONNECTION_LOST"}
