"""The shared vectors, which Go's own cryptography made."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from sealpipe.crypto import SYSTEM_CRYPTO, P384KeyPair
from sealpipe.endpoint.messages.message import Message, to_bytes
from sealpipe.protocol.classic.key_schedule import derive_traffic_key
from sealpipe.protocol.engine_options import Role

from .support.engine_probe import (
    Cutting,
    EngineProbe,
    FixedCrypto,
    byte_at_a_time,
    limits,
    open_probe,
    whole,
)
from .support.vectors import name_of, read_vectors
from .support.wire import Wire, pattern, private_key

KEY_AGREEMENTS = read_vectors("key-agreement.json")
HANDSHAKES = read_vectors("handshakes.json")
FRAMES = read_vectors("frames.json")
BAD_FRAMES = read_vectors("bad-frames.json")
TEXTS = read_vectors("text.json")


@pytest.mark.parametrize("vector", KEY_AGREEMENTS, ids=name_of)
def test_both_sides_agree_on_the_key(vector: dict[str, Any]) -> None:
    server = P384KeyPair(private_key(bytes.fromhex(vector["serverPrivateKey"])))
    client = P384KeyPair(private_key(bytes.fromhex(vector["clientPrivateKey"])))
    assert server.public_key.hex() == vector["serverPublicKey"]
    assert client.public_key.hex() == vector["clientPublicKey"]
    for secret in (
        server.derive_shared_secret(client.public_key),
        client.derive_shared_secret(server.public_key),
    ):
        assert secret is not None
        assert secret.hex() == vector["sharedSecret"]
        assert derive_traffic_key(secret, SYSTEM_CRYPTO).hex() == vector["key"]


def test_the_vectors_have_secrets_with_one_and_with_two_leading_zero_bytes_which_count() -> None:
    secrets = [bytes.fromhex(vector["sharedSecret"]) for vector in KEY_AGREEMENTS]
    assert {len(secret) - len(secret.lstrip(b"\0")) for secret in secrets} >= {0, 1, 2}
    for vector in KEY_AGREEMENTS:
        secret = bytes.fromhex(vector["sharedSecret"])
        kept = hashlib.sha256(secret).hexdigest()
        assert (kept == vector["key"]) == (secret[0] != 0)


def replay(vector: dict[str, Any], role: Role, cutting: Cutting) -> EngineProbe:
    """An engine that plays one role of the vector, and what the other role says to it and hears from it."""
    nonces = [bytes.fromhex(vector["nonce"])] if "nonce" in vector else []
    probe = EngineProbe(
        role,
        vector["encrypted"] if role == "server" else vector["clientInsistsOnEncryption"],
        limits(max_message_bytes=vector["maxMessageBytes"]),
        FixedCrypto(bytes.fromhex(vector.get(f"{role}PrivateKey", "11" * 48)), nonces),
    )
    written: list[str] = []
    for step in vector["steps"]:
        if step["from"] != role:
            probe.receive(bytes.fromhex(step["bytes"]), cutting)
        written += [write.hex() for write in probe.take_writes()]
    own = [step["bytes"] for step in vector["steps"] if step["from"] == role]
    assert written == own, "each part is a write of its own"
    return probe


ROLES_OF: dict[str, list[Role]] = {"both": ["server", "client"], "server": ["server"], "client": ["client"]}


@pytest.mark.parametrize("cutting", [whole, byte_at_a_time])
@pytest.mark.parametrize("vector", HANDSHAKES, ids=name_of)
def test_a_handshake_comes_to_its_outcome(vector: dict[str, Any], cutting: Cutting) -> None:
    for role in ROLES_OF[vector["outcomeAt"]]:
        probe = replay(vector, role, cutting)
        if vector["outcome"] != "open":
            assert probe.events == [f"closed {vector['outcome']}"]
            continue
        assert probe.events == ["open encrypted" if vector["encrypted"] else "open plain"]
        wire = Wire(bytes.fromhex(vector["key"]) if "key" in vector else None)
        assert probe.receive(wire.message(5, b"\x0a")).events[1:] == ["message 5: 0a"]


def open_engine(vector: dict[str, Any], max_message_bytes: int = 3_145_728) -> EngineProbe:
    """A server's engine whose traffic key is the vector's, and which seals with its nonce."""
    if not vector["encrypted"]:
        return open_probe("server", limits=limits(max_message_bytes=max_message_bytes))
    keys = next(keys for keys in KEY_AGREEMENTS if keys["key"] == vector["key"])
    nonces = [b"\xff" * 12, bytes.fromhex(vector.get("nonce", "00" * 12))]
    crypto = FixedCrypto(bytes.fromhex(keys["serverPrivateKey"]), nonces)
    probe = EngineProbe("server", True, limits(max_message_bytes=max_message_bytes), crypto)
    probe.receive(b"\0" + bytes.fromhex(keys["clientPublicKey"]) + b"\0")
    assert probe.state == "open"
    return probe.quiet()


def data_of(vector: dict[str, Any]) -> bytes:
    if "data" in vector:
        return bytes.fromhex(vector["data"])
    return pattern(vector["dataPattern"]["bytes"], vector["dataPattern"]["seed"])


@pytest.mark.parametrize("vector", FRAMES, ids=name_of)
def test_a_message_is_written_and_read_so(vector: dict[str, Any]) -> None:
    data = data_of(vector)
    probe = open_engine(vector)
    probe.send(vector["type"], data)
    frame = b"".join(probe.take_writes())
    if "frame" in vector:
        assert frame.hex() == vector["frame"]
    else:
        assert len(frame) == vector["frameBytes"]
        assert hashlib.sha256(frame).hexdigest() == vector["frameSha256"]
    expected = [f"message {vector['type']}: {data.hex()}"]
    assert open_engine(vector).receive(frame).events == expected
    if len(data) <= 1024:
        assert open_engine(vector).receive(frame, byte_at_a_time).events == expected


@pytest.mark.parametrize("cutting", [whole, byte_at_a_time])
@pytest.mark.parametrize("vector", BAD_FRAMES, ids=name_of)
def test_a_bad_frame_is_refused_or_dropped(vector: dict[str, Any], cutting: Cutting) -> None:
    probe = open_engine(vector, vector["maxMessageBytes"])
    probe.receive(bytes.fromhex(vector["bytes"]), cutting)
    if vector["outcome"] == "dropped":
        assert probe.state == "open"
        assert probe.end().events == ["closed"]
    else:
        assert probe.events == [f"closed {vector['outcome']}"]
    assert probe.take_writes() == []


@pytest.mark.parametrize("vector", TEXTS, ids=name_of)
def test_text_is_read_and_written_as_everywhere(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    text = "".join(map(chr, vector["codePoints"]))
    assert Message(1, data).text == text
    if vector["valid"]:
        assert to_bytes(text) == data
