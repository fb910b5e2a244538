"""What holds whatever a peer does, as properties.

SEALPIPE_HYPOTHESIS_PROFILE=long tries each some ten thousand times.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealpipe.errors import ERROR_CODES, SealpipeError
from sealpipe.protocol.engine_options import Role

from .support.engine_probe import EngineProbe, byte_at_a_time, cut_into, limits, open_probe, whole
from .support.wire import (
    CLIENT_PUBLIC_KEY,
    SERVER_PUBLIC_KEY,
    client_handshake,
    frame,
    pattern,
    server_handshake,
    uint32,
    wire_for,
)

roles = st.sampled_from(["client", "server"])
chunk_sizes = st.lists(st.integers(1, 9), min_size=1, max_size=12) | st.lists(
    st.integers(1, 5_000), min_size=1, max_size=12
)
types = st.integers(0, 3) | st.integers(0, 2**32 - 1)
sizes = st.integers(0, 40) | st.integers(0, 6_000)
messages = st.lists(st.tuples(types, sizes), max_size=12)

pieces = (
    st.binary(max_size=120)
    | st.integers(0, 600).map(uint32)
    | st.binary(min_size=4, max_size=60).map(frame)
    | st.sampled_from(
        [
            b"\0",
            b"\2\0",
            b"\2\1",
            CLIENT_PUBLIC_KEY,
            SERVER_PUBLIC_KEY,
            wire_for(True).message(5, b"\1"),
            wire_for(False).message(5, b"\1"),
            wire_for(True).maximum_size(10),
            wire_for(False).maximum_size(10),
        ]
    )
)
"""Nonsense, and pieces of sense in the wrong place."""

DOCUMENTED = {f"closed {code}" for code, fault in ERROR_CODES.items() if fault == "peer"} | {"closed"}


def handshake_for(role: Role, encrypted: bool) -> bytes:
    return server_handshake(encrypted) if role == "client" else client_handshake(encrypted)


def check_events(probe: EngineProbe) -> None:
    """Messages and at most one end, which comes last and is there if and only if the engine is closed."""
    ends = [event for event in probe.events if event.startswith("closed")]
    assert set(ends) <= DOCUMENTED
    assert len(ends) == (probe.state == "closed")
    assert not ends or probe.events[-1] == ends[0]


@given(role=roles, encrypted=st.booleans(), sent=messages, chunks=chunk_sizes, cut=st.integers(0, 30))
def test_however_the_bytes_are_cut_the_same_events_and_the_same_answers_come_out(
    role: Role, encrypted: bool, sent: list[tuple[int, int]], chunks: list[int], cut: int
) -> None:
    wire = wire_for(encrypted)
    frames = b"".join(wire.message(type, pattern(size, index)) for index, (type, size) in enumerate(sent))
    data = handshake_for(role, encrypted) + frames[: len(frames) - min(cut, len(frames))]
    results: list[tuple[list[str], list[bytes]]] = []
    for cutting in (whole, byte_at_a_time, cut_into(chunks)):
        probe = EngineProbe(role, encrypted).receive(data, cutting).end()
        results.append((probe.events, probe.take_writes()))
    assert results[0] == results[1] == results[2]
    if cut == 0:
        delivered = [int(event.split()[1][:-1]) for event in results[0][0][1:-1]]
        assert delivered == [type for type, _ in sent if type != 0]


@given(size=sizes, type=types, where=st.integers(0), chunks=chunk_sizes)
def test_one_bit_that_was_changed_in_a_sealed_payload_is_noticed_and_nothing_is_delivered(
    size: int, type: int, where: int, chunks: list[int]
) -> None:
    message = bytearray(wire_for(True).message(type, pattern(size)))
    bit = 32 + where % ((len(message) - 4) * 8)
    message[bit >> 3] ^= 1 << (bit & 7)
    probe = open_probe("server", True).receive(bytes(message), cut_into(chunks))
    assert probe.events == ["closed ERR_DECRYPTION_FAILED"]


def test_every_single_bit_of_a_sealed_message_is_noticed() -> None:
    good = wire_for(True).message(5, b"hello")
    for bit in range(32, len(good) * 8):
        message = bytearray(good)
        message[bit >> 3] ^= 1 << (bit & 7)
        assert open_probe("server", True).receive(bytes(message)).events == ["closed ERR_DECRYPTION_FAILED"]


@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])
@pytest.mark.parametrize("role", ["client", "server"])
@given(share=st.integers(0, 300), parts=st.lists(pieces, max_size=8), chunks=chunk_sizes)
def test_whatever_a_peer_sends_an_engine_waits_for_more_or_ends_with_a_documented_code(
    role: Role, encrypted: bool, share: int, parts: list[bytes], chunks: list[int]
) -> None:
    probe = EngineProbe(role, encrypted, limits(max_message_bytes=200))
    # Some of the handshake, or all of it, before the nonsense.
    probe.receive(handshake_for(role, encrypted)[:share])
    probe.receive(b"".join(parts), cut_into(chunks))
    check_events(probe)
    probe.end()
    check_events(probe)
    assert probe.state == "closed"


CALLS = ["send", "close", "take", "elapse", "end", "hear", "hear", "hear"]


@given(role=roles, encrypted=st.booleans(), calls=st.lists(st.sampled_from(CALLS), max_size=30), chunks=chunk_sizes)
@example(role="client", encrypted=False, calls=["hear", "close", "elapse", "end"], chunks=[5_000])
def test_whatever_is_called_in_whatever_order_an_engine_raises_nothing_but_what_it_says_and_ends_once(
    role: Role, encrypted: bool, calls: list[str], chunks: list[int]
) -> None:
    probe = EngineProbe(role, encrypted)
    wire = wire_for(encrypted)
    coming = list(
        cut_into(chunks)(handshake_for(role, encrypted) + b"".join(wire.message(type, b"\n") for type in (1, 0, 2)))
    )
    for call in calls:
        perform(probe, call, coming)
        assert probe.engine.next_timeout() is None or not probe.engine.is_done
    check_events(probe)


def perform(probe: EngineProbe, call: str, coming: list[bytes]) -> None:
    if call == "send" and probe.state == "open":
        probe.send(5, b"\1")
    elif call == "send" and probe.session is not None:
        with pytest.raises(SealpipeError):
            probe.send(5, b"\1")
    elif call == "send":
        probe.take_events()
    elif call == "close":
        probe.close()
    elif call == "take":
        probe.take_writes()
    elif call == "elapse":
        probe.elapse(0.7)
    elif call == "end":
        probe.end()
    else:
        probe.receive(coming.pop(0) if coming else b"")
