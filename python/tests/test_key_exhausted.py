"""What an end does once its connection's key has sealed all that nonces drawn at random allow."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealpipe import aio
from sealpipe.crypto import SYSTEM_CRYPTO, SystemCrypto
from sealpipe.errors import SealpipeError
from sealpipe.protocol.classic.record import RecordProtection
from sealpipe.protocol.engine_options import Role

from .support.engine_probe import EngineProbe, FixedCrypto
from .support.names import fresh_name
from .support.wire import (
    CLIENT_PRIVATE_KEY,
    SEALED_WIRE,
    SERVER_PRIVATE_KEY,
    TRAFFIC_KEY,
    client_handshake,
    server_handshake,
)


def test_a_key_seals_2_to_the_32_payloads() -> None:
    assert SYSTEM_CRYPTO.random_nonces_per_key == 2**32


def test_what_either_end_sealed_counts_and_nothing_is_sealed_beyond() -> None:
    crypto = SystemCrypto()
    crypto.random_nonces_per_key = 3
    ours = RecordProtection(bytes(32), crypto)
    theirs = RecordProtection(bytes(32), SYSTEM_CRYPTO)
    ours.open(b"".join(theirs.seal(b"one")))
    ours.seal(b"two")
    assert not ours.is_spent
    ours.seal(b"three")
    assert ours.is_spent
    with pytest.raises(RuntimeError, match="as many payloads as it may"):
        ours.seal(b"four")


def open_with(role: Role, payloads: int) -> EngineProbe:
    """One whose handshake is over, in which the maximum size was the first payload."""
    crypto = FixedCrypto(CLIENT_PRIVATE_KEY if role == "client" else SERVER_PRIVATE_KEY)
    crypto.random_nonces_per_key = payloads
    probe = EngineProbe(role, True, crypto=crypto)
    probe.receive(server_handshake(True) if role == "client" else client_handshake(True))
    probe.now += 1
    return probe.quiet()


@pytest.mark.parametrize("role", ["client", "server"])
def test_an_engine_closes_in_order_after_the_last_message_and_says_why(role: Role) -> None:
    probe = open_with(role, 3)
    probe.send(1, b"x")
    assert not probe.engine.is_spent
    probe.send(2, b"y")
    assert probe.engine.is_spent
    writes = probe.take_writes()
    assert probe.state == "closing"
    assert opened(b"".join(writes)) == [b"\0\0\0\1x", b"\0\0\0\2y"]
    assert probe.end().events == ["closed ERR_KEY_EXHAUSTED"]


def opened(data: bytes) -> list[bytes]:
    """What the peer makes of these frames."""
    messages: list[bytes] = []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        messages.append(AESGCM(TRAFFIC_KEY).decrypt(data[4:16], data[16:end], None))
        data = data[end:]
    return messages


@pytest.mark.parametrize("role", ["client", "server"])
def test_it_closes_after_a_message_that_it_receives_too(role: Role) -> None:
    probe = open_with(role, 3)
    probe.receive(SEALED_WIRE.message(1, b"x") + SEALED_WIRE.message(2, b"y") + SEALED_WIRE.message(3, b"z"))
    assert probe.events == ["message 1: 78", "message 2: 79"]
    assert probe.state == "closing"
    assert probe.end().events[2:] == ["closed ERR_KEY_EXHAUSTED"]


async def test_a_client_goes_on_with_another_key_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SYSTEM_CRYPTO, "random_nonces_per_key", 50)
    name = fresh_name()
    errors: list[SealpipeError] = []
    server = await aio.serve(name, profile="classic")
    client = await aio.connect(name, retry_delay=0.001, on_error=errors.append)
    for type in range(1, 201):
        await client.write(type, b"message")
        assert (await server.read(timeout=20)).type == type
    assert len(errors) >= 3
    assert {error.code for error in errors} == {"ERR_KEY_EXHAUSTED"}
    await client.close()
    await server.close()
