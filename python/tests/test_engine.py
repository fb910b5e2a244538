"""An engine byte by byte, on a clock of the test's own."""

from __future__ import annotations

import pytest

from sealpipe.errors import SealpipeError
from sealpipe.protocol.engine_options import Role

from .support.engine_probe import EngineProbe, byte_at_a_time, limits, open_probe
from .support.wire import (
    CLIENT_PUBLIC_KEY,
    PLAIN_WIRE,
    SEALED_WIRE,
    SERVER_PUBLIC_KEY,
    client_handshake,
    frame,
    public_key_of,
    server_handshake,
    wire_for,
)

ROLES: list[Role] = ["client", "server"]
both_roles = pytest.mark.parametrize("role", ROLES)
both_modes = pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])


def code_of(act: object) -> str:
    assert callable(act)
    with pytest.raises(SealpipeError) as caught:
        act()
    return caught.value.code


def handshake_for(role: Role, encrypted: bool) -> bytes:
    return server_handshake(encrypted) if role == "client" else client_handshake(encrypted)


class TestHandshake:
    @both_modes
    def test_a_client_that_does_not_insist_follows_the_server(self, encrypted: bool) -> None:
        probe = EngineProbe("client", encryption=False).receive(server_handshake(encrypted))
        assert probe.events == ["open encrypted" if encrypted else "open plain"]
        assert [len(write) for write in probe.take_writes()] == ([1, 97, 1] if encrypted else [1, 1])

    @both_roles
    @both_modes
    def test_the_first_message_may_come_in_the_chunk_of_the_last_part(self, role: Role, encrypted: bool) -> None:
        first = wire_for(encrypted).message(5, b"hi")
        probe = EngineProbe(role, encrypted).receive(handshake_for(role, encrypted) + first)
        assert probe.events[1:] == ["message 5: 6869"]

    @pytest.mark.parametrize(
        ("hello", "code", "answer"),
        [
            ("0100", "ERR_VERSION_MISMATCH", b"\1"),
            ("0301", "ERR_VERSION_MISMATCH", b"\1"),
            ("0200", "ERR_ENCRYPTION_REQUIRED", b"\2"),
            ("0202", "ERR_HANDSHAKE_INVALID", b"\3"),
            ("02ff", "ERR_HANDSHAKE_INVALID", b"\3"),
        ],
    )
    def test_a_client_says_why_it_refuses(self, hello: str, code: str, answer: bytes) -> None:
        probe = EngineProbe("client", encryption=True).receive(bytes.fromhex(hello))
        assert probe.events == [f"closed {code}"]
        assert probe.take_writes() == [answer]
        assert probe.engine.output_ended

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (1, "ERR_VERSION_MISMATCH"),
            (2, "ERR_ENCRYPTION_REQUIRED"),
            (3, "ERR_HANDSHAKE_REJECTED"),
            (255, "ERR_HANDSHAKE_REJECTED"),
        ],
    )
    def test_a_server_says_why_it_was_refused(self, answer: int, code: str) -> None:
        assert EngineProbe("server", True).receive(bytes([answer])).events == [f"closed {code}"]

    @pytest.mark.parametrize(
        "key",
        [
            b"\4" + b"\1" * 96,
            b"\0" * 97,
            b"\2" + CLIENT_PUBLIC_KEY[1:49] + b"\0" * 48,
            bytes([6 + CLIENT_PUBLIC_KEY[96] % 2]) + CLIENT_PUBLIC_KEY[1:],
            CLIENT_PUBLIC_KEY[:96] + bytes([CLIENT_PUBLIC_KEY[96] ^ 1]),
            SERVER_PUBLIC_KEY,
        ],
        ids=["not on the curve", "infinity", "compressed", "hybrid", "one bit off", "our own, reflected"],
    )
    def test_a_server_refuses_a_key_that_is_none(self, key: bytes) -> None:
        probe = EngineProbe("server", True).receive(b"\0").quiet().receive(key)
        assert probe.events == ["closed ERR_INVALID_PUBLIC_KEY"]
        assert probe.take_writes() == []

    def test_a_server_makes_no_key_before_the_client_has_answered(self) -> None:
        probe = EngineProbe("server", True)
        assert probe.take_writes() == [b"\2\1"]
        probe.receive(b"\0")
        assert probe.take_writes() == [SERVER_PUBLIC_KEY]

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            (frame(b"\0\0\0"), "ERR_FRAME_TOO_SHORT"),
            ((257).to_bytes(4, "big"), "ERR_FRAME_TOO_LARGE"),
            (b"\xff\xff\xff\xff", "ERR_FRAME_TOO_LARGE"),
        ],
    )
    def test_a_client_refuses_a_maximum_size_that_is_none(self, payload: bytes, code: str) -> None:
        assert EngineProbe("client").receive(b"\2\0" + payload).events == [f"closed {code}"]

    def test_a_client_refuses_a_maximum_size_that_was_sealed_with_another_key(self) -> None:
        hello = b"\2\1" + public_key_of(b"\x33" * 48)
        assert EngineProbe("client").receive(hello + SEALED_WIRE.maximum_size(10)).events == [
            "closed ERR_DECRYPTION_FAILED"
        ]

    @both_modes
    def test_what_follows_the_maximum_size_is_ignored(self, encrypted: bool) -> None:
        hello = bytes([2, encrypted]) + (SERVER_PUBLIC_KEY if encrypted else b"")
        probe = EngineProbe("client").receive(hello + wire_for(encrypted).maximum_size(10, b"further"))
        assert probe.state == "open"
        assert code_of(lambda: probe.send(1, b"x" * 11)) == "ERR_TOO_LARGE_FOR_PEER"

    @both_roles
    def test_an_end_in_the_handshake_is_a_lost_connection(self, role: Role) -> None:
        cause = ConnectionResetError(104, "reset")
        probe = EngineProbe(role).end(cause)
        assert probe.events == ["closed ERR_CONNECTION_LOST"]
        assert probe.error is not None
        assert probe.error.__cause__ is cause

    def test_a_silent_server_is_told_apart(self) -> None:
        silent = EngineProbe("client").elapse(5)
        assert silent.events == ["closed ERR_HANDSHAKE_TIMEOUT"]
        assert not silent.engine.has_heard
        slow = EngineProbe("client").receive(b"\2").elapse(5)
        assert slow.events == ["closed ERR_HANDSHAKE_TIMEOUT"]
        assert slow.engine.has_heard


class TestMessages:
    @both_roles
    @both_modes
    def test_both_sides_read_what_the_other_writes(self, role: Role, encrypted: bool) -> None:
        ours = open_probe(role, encrypted)
        theirs = open_probe("server" if role == "client" else "client", encrypted)
        ours.send(1, b"")
        ours.send(4_294_967_295, b"\1\2")
        theirs.receive(b"".join(ours.take_writes()), byte_at_a_time)
        assert theirs.events == ["message 1: ", "message 4294967295: 0102"]

    @pytest.mark.parametrize(
        ("type", "code"),
        [
            (0, "ERR_RESERVED_TYPE"),
            (-1, "ERR_TYPE_OUT_OF_RANGE"),
            (2**32, "ERR_TYPE_OUT_OF_RANGE"),
            (True, "ERR_TYPE_OUT_OF_RANGE"),
            (1.0, "ERR_TYPE_OUT_OF_RANGE"),
            ("1", "ERR_TYPE_OUT_OF_RANGE"),
        ],
    )
    def test_a_type_that_is_none_is_refused_and_nothing_is_sent(self, type: int, code: str) -> None:
        probe = open_probe("client")
        assert code_of(lambda: probe.send(type, b"")) == code
        assert probe.take_writes() == []

    @both_modes
    def test_a_message_at_the_limit_is_taken_and_one_over_it_refused_both_ways(self, encrypted: bool) -> None:
        small = limits(max_message_bytes=10)
        probe = open_probe("server", encrypted, small)
        probe.send(1, b"x" * 10)
        assert code_of(lambda: probe.send(1, b"x" * 11)) == "ERR_MESSAGE_TOO_LARGE"
        probe.receive(wire_for(encrypted).message(1, b"y" * 10))
        probe.receive(wire_for(encrypted).message(1, b"y" * 11)[:4])
        assert probe.events == ["message 1: " + "79" * 10, "closed ERR_PEER_MESSAGE_TOO_LARGE"]

    def test_a_client_holds_to_the_servers_maximum(self) -> None:
        probe = EngineProbe("client").receive(server_handshake(False, maximum=3))
        probe.send(1, b"123")
        assert code_of(lambda: probe.send(1, b"1234")) == "ERR_TOO_LARGE_FOR_PEER"

    @both_modes
    def test_a_message_of_type_0_is_dropped(self, encrypted: bool) -> None:
        wire = wire_for(encrypted)
        probe = open_probe("client", encrypted).receive(wire.message(0, b"x") + wire.message(2, b""))
        assert probe.events == ["message 2: "]

    def test_a_changed_message_ends_the_connection_and_is_not_delivered(self) -> None:
        message = bytearray(SEALED_WIRE.message(5, b"hello"))
        message[20] ^= 1
        probe = open_probe("server", True).receive(bytes(message) + SEALED_WIRE.message(5, b"more"))
        assert probe.events == ["closed ERR_DECRYPTION_FAILED"]

    def test_a_frame_that_never_completes_times_out(self) -> None:
        probe = open_probe("server").receive(b"\0").elapse(29)
        assert probe.receive(b"\0").events == []
        assert probe.elapse(1).events == ["closed ERR_FRAME_TIMEOUT"]

    def test_each_frame_has_a_time_of_its_own(self) -> None:
        message = PLAIN_WIRE.message(1, b"abc")
        probe = open_probe("server").receive(message[:5]).elapse(29)
        probe.receive(message[5:] + message[:5]).elapse(29)
        assert probe.events == ["message 1: 616263"]
        assert probe.elapse(1).events[1:] == ["closed ERR_FRAME_TIMEOUT"]


class TestEnds:
    @both_roles
    def test_an_end_between_frames_is_orderly(self, role: Role) -> None:
        assert open_probe(role).end().events == ["closed"]

    @both_roles
    def test_an_end_within_a_frame_is_a_lost_connection(self, role: Role) -> None:
        assert open_probe(role).receive(b"\0\0").end().events == ["closed ERR_CONNECTION_LOST"]

    def test_a_transport_that_failed_is_a_lost_connection(self) -> None:
        assert open_probe("client").end(ConnectionResetError()).events == ["closed ERR_CONNECTION_LOST"]

    def test_what_was_sent_goes_out_after_the_peers_orderly_end(self) -> None:
        probe = open_probe("server")
        probe.send(1, b"late")
        probe.end()
        assert probe.take_writes() == [PLAIN_WIRE.message(1, b"late")]

    def test_a_close_waits_for_what_was_sent_and_then_for_the_peers_end(self) -> None:
        probe = open_probe("server")
        probe.send(1, b"last")
        probe.close()
        assert code_of(lambda: probe.send(1, b"")) == "ERR_CLOSED"
        assert probe.take_writes() == [PLAIN_WIRE.message(1, b"last")]
        assert probe.engine.output_ended
        assert probe.receive(b"whatever").events == []
        assert probe.end().events == ["closed"]

    def test_a_close_gives_up_on_a_peer_that_takes_nothing(self) -> None:
        probe = open_probe("server")
        probe.send(1, b"last")
        probe.close().elapse(4.9)
        assert probe.take_writes()
        assert probe.state == "closing"
        assert probe.elapse(0.3).events == ["closed"]
        stuck = open_probe("server")
        stuck.send(1, b"last")
        assert stuck.close().elapse(5).events == ["closed ERR_CLOSE_TIMEOUT"]

    @both_modes
    def test_a_close_gives_up_on_a_peer_that_takes_less_than_a_tenth_in_its_time(self, encrypted: bool) -> None:
        probe = open_probe("server", encrypted)
        for _ in range(40):
            probe.send(1, bytes(32_000))
        probe.close()
        for _ in range(3):
            assert probe.engine.take_output()
            probe.elapse(1.6)
        assert probe.events == []
        assert probe.elapse(0.2).events == ["closed ERR_CLOSE_TIMEOUT"]

    @both_modes
    def test_a_close_takes_no_longer_than_ten_times_its_time_however_much_is_taken(self, encrypted: bool) -> None:
        probe = open_probe("server", encrypted)
        for _ in range(10):
            probe.send(1, bytes(32_000))
        probe.close()
        for _ in range(10):
            probe.elapse(4.9)
            assert probe.engine.take_output()
            assert probe.events == []
        assert probe.elapse(0.9).events == []
        assert probe.elapse(0.2).events == ["closed ERR_CLOSE_TIMEOUT"]

    def test_a_transport_that_fails_before_everything_had_left_is_told(self) -> None:
        probe = open_probe("server")
        probe.send(1, b"last")
        probe.close().end(BrokenPipeError())
        assert probe.events == ["closed ERR_CONNECTION_LOST"]

    def test_a_client_does_not_end_in_the_instant_in_which_it_confirms(self) -> None:
        probe = EngineProbe("client").receive(server_handshake(False)).close()
        probe.take_writes()
        assert not probe.engine.output_ended
        probe.elapse(0.021)
        assert probe.engine.output_ended
        assert probe.take_writes() == []
        assert probe.elapse(0.26).events == ["open plain", "closed"]

    @both_roles
    @both_modes
    def test_a_close_in_the_handshake_finishes_it_first(self, role: Role, encrypted: bool) -> None:
        probe = EngineProbe(role, encrypted).close()
        assert not probe.engine.output_ended
        probe.receive(handshake_for(role, encrypted))
        assert probe.events == []
        assert probe.state == "closing"

    @both_roles
    def test_a_close_in_a_handshake_that_never_ends_waits_a_second(self, role: Role) -> None:
        assert EngineProbe(role).close().elapse(1).events == ["closed ERR_CLOSE_TIMEOUT"]

    def test_a_close_after_the_peers_end_is_over_at_once(self) -> None:
        probe = EngineProbe("server")
        probe.engine.receive(client_handshake(False))
        probe.engine.receive_end()
        assert probe.engine.next_event() is not None
        probe.close()
        assert probe.events == ["closed"]
        closing = EngineProbe("server").close()
        closing.engine.receive(client_handshake(False))
        closing.engine.receive_end()
        assert closing.take_events().events == ["closed"]

    def test_a_close_that_is_asked_for_output_again_gives_the_peer_no_more_time(self) -> None:
        probe = open_probe("server").close()
        assert probe.take_writes() == []
        probe.elapse(0.2)
        assert probe.take_writes() == []
        assert probe.elapse(0.06).events == ["closed"]

    def test_an_empty_chunk_is_nothing_heard(self) -> None:
        probe = EngineProbe("client")
        probe.engine.receive(b"")
        assert probe.engine.queued_bytes == 0
        assert not probe.engine.has_heard

    def test_nothing_happens_after_the_end(self) -> None:
        probe = open_probe("client").end()
        probe.receive(b"more").end().close().elapse(100)
        assert probe.events == ["closed"]
        assert probe.engine.next_timeout() is None
