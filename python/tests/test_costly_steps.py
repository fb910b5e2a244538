"""The costly steps of a server's handshakes: each waits for its turn, of which the event loop has one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sealpipe import SealpipeError, aio
from sealpipe.crypto import P384KeyPair, SystemCrypto
from sealpipe.endpoint.driver.handshake_turns import HandshakeTurns, Stage

from .support.engine_probe import NATIVE, EngineProbe
from .support.names import fresh_name
from .support.raw_peer import RawPeer, connect_raw
from .support.waiting import until
from .support.wire import CLIENT_PUBLIC_KEY

ACCEPTED = b"\0"
CLASSIC = b"\0"
NATIVELY = b"\1"
KEY_BYTES = 97
COUNT = 20


def waiting_server(*, encryption: bool = True) -> EngineProbe:
    probe = EngineProbe("server", encryption, waits_for_turns=True)
    probe.take_writes()
    return probe


def take_turn(probe: EngineProbe) -> list[int]:
    """The lengths of what is written then."""
    probe.engine.allow_costly_step()
    return [len(write) for write in probe.take_events().take_writes()]


def test_an_engine_computes_nothing_until_it_may_and_then_one_step_however_much_has_arrived() -> None:
    probe = waiting_server().receive(ACCEPTED + CLIENT_PUBLIC_KEY + CLASSIC)
    assert probe.engine.next_step_is_costly
    assert probe.take_writes() == []
    assert take_turn(probe) == [KEY_BYTES]
    assert probe.engine.next_step_is_costly
    assert probe.state == "server-awaits-client-key"
    assert take_turn(probe) == [36]
    assert probe.events == ["open encrypted"], "a classic confirmation costs nothing worth a turn"
    assert not probe.engine.next_step_is_costly


def test_an_engine_waits_with_the_secrets_and_the_session_of_a_native_client_too() -> None:
    client = EngineProbe("client", True, native=NATIVE)
    server = EngineProbe("server", True, native=NATIVE, waits_for_turns=True)

    def exchange() -> None:
        client.receive(b"".join(server.take_events().take_writes()))
        server.receive(b"".join(client.take_events().take_writes()))

    exchange()
    for state in ("server-awaits-answer", "server-awaits-client-key", "server-awaits-confirmation"):
        assert server.state == state
        assert server.engine.next_step_is_costly
        exchange()
        assert server.state == state, "it may not yet"
        server.engine.allow_costly_step()
        exchange()
    assert client.events == server.events == ["open native encrypted"]
    server.engine.allow_costly_step()
    assert not server.engine.next_step_is_costly


def test_an_engine_has_no_step_to_take_until_the_last_byte_of_the_key_is_there() -> None:
    probe = waiting_server().receive(ACCEPTED)
    take_turn(probe)
    for byte in CLIENT_PUBLIC_KEY:
        assert not probe.engine.next_step_is_costly
        probe.receive(bytes([byte]))
    assert probe.engine.next_step_is_costly


def test_an_engine_has_none_before_the_answer_nor_for_one_that_refuses_nor_in_the_clear() -> None:
    probe = waiting_server()
    assert not probe.engine.next_step_is_costly
    assert probe.receive(b"\1").events == ["closed ERR_VERSION_MISMATCH"]
    assert waiting_server(encryption=False).receive(ACCEPTED + CLASSIC).events == ["open plain"]


@pytest.mark.parametrize("last", [ACCEPTED, CLIENT_PUBLIC_KEY])
def test_an_engine_loses_a_peer_that_ends_before_its_step_and_computes_nothing_for_it(last: bytes) -> None:
    probe = waiting_server()
    if last == CLIENT_PUBLIC_KEY:
        take_turn(probe.receive(ACCEPTED))
    assert probe.receive(last).end().events == ["closed ERR_CONNECTION_LOST"]
    assert take_turn(probe) == []


async def test_turns_alternate_between_begun_and_fresh_and_between_the_newest_and_the_oldest() -> None:
    turns, taken = HandshakeTurns(), list[str]()

    def taking(name: str) -> Callable[[], None]:
        return lambda: taken.append(name)

    for number in range(4):
        turns.wait("fresh", taking(f"fresh {number}"))
        turns.wait("begun", taking(f"begun {number}"))
    left = taking("left")
    turns.wait("begun", left)
    turns.leave(left)
    await until(lambda: len(taken) == 8)
    assert taken[:4] == ["begun 3", "fresh 3", "begun 0", "fresh 0"]
    assert sorted(taken) == sorted(f"{stage} {number}" for stage in ("begun", "fresh") for number in range(4))


class Turns:
    """In which turn of the event loop a server of this process made key pairs, and derived what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key_pairs, self.agreements, self.secrets = list[int](), list[int](), list[int]()
        self._loop = asyncio.get_running_loop()
        self._turn = 0
        self._next()
        made, derived, agreed = (
            SystemCrypto.generate_key_pair,
            SystemCrypto.hmac_sha256,
            P384KeyPair.derive_shared_secret,
        )

        def generate_key_pair(crypto: SystemCrypto) -> object:
            self.key_pairs.append(self._turn)
            return made(crypto)

        def hmac_sha256(crypto: SystemCrypto, key: bytes, data: bytes) -> bytes:
            self.secrets.append(self._turn)
            return derived(crypto, key, data)

        def derive_shared_secret(key_pair: P384KeyPair, peer_public_key: bytes) -> bytes | None:
            self.agreements.append(self._turn)
            return agreed(key_pair, peer_public_key)

        monkeypatch.setattr(P384KeyPair, "derive_shared_secret", derive_shared_secret)
        monkeypatch.setattr(SystemCrypto, "generate_key_pair", generate_key_pair)
        monkeypatch.setattr(SystemCrypto, "hmac_sha256", hmac_sha256)

    def _next(self) -> None:
        self._turn += 1
        self._handle = self._loop.call_soon(self._next)

    def __enter__(self) -> Turns:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.cancel()


async def connected(server: aio.Server) -> list[RawPeer]:
    peers = [await connect_raw(server.address) for _ in range(COUNT)]
    for peer in peers:
        await peer.hear(2)
    return peers


async def test_a_server_makes_one_step_in_each_turn_whatever_a_peer_sends_in_one_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with await aio.serve(fresh_name()) as server:
        peers = await connected(server)
        with Turns(monkeypatch) as turns:
            for peer in peers:
                await peer.say(ACCEPTED + CLIENT_PUBLIC_KEY)
            for peer in peers:
                await peer.hear(KEY_BYTES)
                await peer.hear(int.from_bytes(await peer.hear(4), "big"))
            assert len(turns.key_pairs) == len(set(turns.key_pairs)) == COUNT
            assert turns.agreements == sorted(set(turns.agreements))
            assert not set(turns.key_pairs) & set(turns.agreements)
            for peer in peers:
                await peer.say(NATIVELY)
            hmacs = 9
            await until(lambda: len(turns.secrets) == hmacs * COUNT)
            assert len(set(turns.secrets)) == COUNT
        for peer in peers:
            await peer.gone()


async def test_a_newcomer_does_not_wait_for_those_that_send_their_keys_byte_by_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()
    wait = HandshakeTurns.wait

    def counted(turns: HandshakeTurns, stage: Stage, take_turn: Callable[[], None]) -> None:
        asked.append(stage)
        wait(turns, stage, take_turn)

    monkeypatch.setattr(HandshakeTurns, "wait", counted)
    async with await aio.serve(fresh_name()) as server:
        peers = await connected(server)
        for peer in peers:
            await peer.say(ACCEPTED)
        for peer in peers:
            await peer.hear(KEY_BYTES)
        for byte in CLIENT_PUBLIC_KEY[:20]:
            for peer in peers:
                await peer.say(bytes([byte]))
            await asyncio.sleep(0)
        async with await aio.connect(server.name):
            assert asked == ["fresh"] * (COUNT + 1) + ["begun"] * 2
        for peer in peers:
            await peer.gone()


async def test_a_handshake_that_has_had_a_step_gives_way_as_late_as_one_that_has_just_begun() -> None:
    told = asyncio.Queue[SealpipeError]()
    async with await aio.serve(fresh_name(), max_pending_handshakes=2, on_error=told.put_nowait) as server:
        begun = await connect_raw(server.address)
        await begun.hear(2)
        silent = await connect_raw(server.address)
        await silent.hear(2)
        await begun.say(ACCEPTED)
        await begun.hear(KEY_BYTES)
        newest = await connect_raw(server.address)
        assert (await told.get()).code == "ERR_TOO_MANY_HANDSHAKES"
        assert await silent.hear_end() == b""
        await begun.say(CLIENT_PUBLIC_KEY)
        await begun.hear(4)
        for peer in (begun, silent, newest):
            await peer.gone()
