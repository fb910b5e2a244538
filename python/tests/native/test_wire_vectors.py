"""Keys, records and hellos as the shared vectors have them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from sealpipe.crypto import SYSTEM_CRYPTO
from sealpipe.errors import PeerError
from sealpipe.protocol.native.wire.frame import FRAME_HEADER_BYTES
from sealpipe.protocol.native.wire.hello import (
    ClientSession,
    NativeHello,
    NewSession,
    NoSession,
    Refused,
    Resumed,
    ServerSession,
    WantsResume,
    WantsSession,
    decode_client_hello,
    decode_server_hello,
    encode_native_hello,
)
from sealpipe.protocol.native.wire.key_schedule import (
    HandshakeParts,
    ProofParts,
    derive_native_secrets,
    derive_traffic_keys,
    hash_transcript,
    native_nonce,
    next_traffic_secret,
    resumption_proof,
)
from sealpipe.protocol.native.wire.offers import ContractIdentity, Offers
from sealpipe.protocol.native.wire.record import RECORDS_PER_KEY, RecordKeys, RecordReader, RecordWriter
from sealpipe.protocol.receive_buffer import ReceiveBuffer

from ..support.vectors import name_of, read_vectors
from ..support.wire import pattern

KEYS = read_vectors("native-key-schedule.json")
RECORDS = read_vectors("native-records.json")
HELLOS = read_vectors("native-hello.json") + read_vectors("native-features.json")


@pytest.mark.parametrize("vector", KEYS, ids=name_of)
def test_both_ends_derive_these_keys(vector: dict[str, Any]) -> None:
    server_key, client_key, frame = (
        bytes.fromhex(vector[name]) for name in ("serverPublicKey", "clientPublicKey", "maximumSizeFrame")
    )
    assert native_nonce(server_key, client_key, SYSTEM_CRYPTO).hex() == vector["nonce"]
    transcript = hash_transcript(HandshakeParts(server_key, client_key, frame), SYSTEM_CRYPTO)
    assert transcript.hex() == vector["transcript"]
    secret = bytes.fromhex(vector["secret"]) if "secret" in vector else None
    secrets = derive_native_secrets(bytes.fromhex(vector["sharedSecret"]), transcript, secret, SYSTEM_CRYPTO)
    assert secrets.resumption_key.hex() == vector["resumptionKey"]
    for first, expected in ((secrets.client, vector["client"]), (secrets.server, vector["server"])):
        traffic_secret = first
        assert len(expected["secrets"]) > 1
        for index, wanted in enumerate(expected["secrets"]):
            assert traffic_secret.hex() == wanted
            key, iv = derive_traffic_keys(traffic_secret, SYSTEM_CRYPTO)
            assert (key.hex(), iv.hex()) == (expected["keys"][index], expected["ivs"][index])
            traffic_secret = next_traffic_secret(traffic_secret, SYSTEM_CRYPTO)


@pytest.mark.parametrize("vector", KEYS, ids=name_of)
def test_both_ends_prove_that_they_took_part(vector: dict[str, Any]) -> None:
    assert vector["proofs"]
    for proof in vector["proofs"]:
        parts = ProofParts(
            resumption_key=bytes.fromhex(vector["resumptionKey"]),
            transcript=bytes.fromhex(vector["transcript"]),
            session_id=bytes.fromhex(proof["sessionId"]),
            received=tuple(proof["received"]),
        )
        assert resumption_proof(proof["side"], parts, SYSTEM_CRYPTO).hex() == proof["proof"]


def keys_of(vector: dict[str, Any]) -> RecordKeys | None:
    if "trafficSecret" not in vector:
        return None
    return RecordKeys(bytes.fromhex(vector["trafficSecret"]), SYSTEM_CRYPTO, vector["recordsPerKey"])


@pytest.mark.parametrize("vector", RECORDS, ids=name_of)
def test_records_are_written_and_read_so(vector: dict[str, Any]) -> None:
    writer, reader, input = RecordWriter(keys_of(vector)), RecordReader(keys_of(vector)), ReceiveBuffer()
    for entry in vector["records"]:
        shape = entry.get("framesPattern")
        frames = bytes.fromhex(entry["frames"]) if shape is None else pattern(shape["bytes"], shape["seed"])
        record = writer.write(frames)
        if "record" in entry:
            assert record.hex() == entry["record"]
        else:
            assert len(record) == entry["recordBytes"]
            assert hashlib.sha256(record).hexdigest() == entry["recordSha256"]
        input.push(record)
        assert reader.read(input) == frames


@pytest.mark.parametrize("vector", RECORDS, ids=name_of)
def test_records_in_another_order_do_not_open(vector: dict[str, Any]) -> None:
    for refused in vector.get("refused", []):
        reader, input = RecordReader(keys_of(vector)), ReceiveBuffer()
        for number in refused["numbers"]:
            input.push(bytes.fromhex(vector["records"][number]["record"]))
        with pytest.raises(PeerError) as caught:
            list(iter(lambda: reader.read(input), None))
        assert caught.value.code == refused["outcome"]


def test_the_records_have_the_usual_change_of_the_key_and_earlier_ones_and_plain_ones() -> None:
    changes = {vector["recordsPerKey"] for vector in RECORDS}
    assert RECORDS_PER_KEY in changes
    assert min(changes) < 5
    assert any("trafficSecret" not in vector for vector in RECORDS)
    assert any(vector.get("refused") for vector in RECORDS)


def test_the_key_changes_after_as_many_records_as_the_spec_says() -> None:
    keys = RecordKeys(bytes(32), SYSTEM_CRYPTO)
    keys._left = 1
    keys._number = RECORDS_PER_KEY - 1
    last = keys.seal(b"last", b"")
    first = keys.seal(b"first", b"")
    key, iv = derive_traffic_keys(next_traffic_secret(bytes(32), SYSTEM_CRYPTO), SYSTEM_CRYPTO)
    nonce = (int.from_bytes(iv, "big") ^ RECORDS_PER_KEY).to_bytes(12, "big")
    assert SYSTEM_CRYPTO.create_aead(key).open(nonce, first, b"") == b"first"
    assert SYSTEM_CRYPTO.create_aead(key).open(nonce, last, b"") is None


@pytest.mark.parametrize("vector", [vector for vector in HELLOS if "hello" in vector], ids=name_of)
def test_a_hello_is_written_and_read_so(vector: dict[str, Any]) -> None:
    hello = hello_of(vector["from"], vector["hello"])
    frame = encode_native_hello(hello)
    assert frame.hex() == vector["frame"]
    assert decode(vector["from"], frame[FRAME_HEADER_BYTES:]) == hello


@pytest.mark.parametrize("vector", [vector for vector in HELLOS if "outcome" in vector], ids=name_of)
def test_a_hello_that_is_none_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(PeerError) as caught:
        decode(vector["from"], bytes.fromhex(vector["body"]))
    assert caught.value.code == vector["outcome"]


def decode(side: str, body: bytes) -> NativeHello[Any]:
    return decode_client_hello(body) if side == "client" else decode_server_hello(body)


def hello_of(side: str, given: dict[str, Any]) -> NativeHello[Any]:
    session = session_of(side, given)
    offers = None
    if "offers" in given:
        said = given["offers"]
        offers = Offers(
            features=said["features"],
            stream_lane_window=said["streamLaneWindow"],
            max_concurrent_streams=said["maxConcurrentStreams"],
            stream_window=said["streamWindow"],
            received_streams=said["receivedStreams"],
            codec=said["codec"],
            contracts=tuple(
                ContractIdentity(contract["name"], contract["version"], bytes.fromhex(contract["hash"]))
                for contract in said["contracts"]
            ),
            session_ended=said.get("sessionEnded"),
        )
    return NativeHello(
        max_message_bytes=given["maxMessageBytes"],
        windows=tuple(given["windows"]),
        pid=given["pid"],
        library=given["library"],
        application=given["application"],
        application_version=given["applicationVersion"],
        session=session,
        offers=offers,
    )


def session_of(side: str, given: dict[str, Any]) -> ClientSession | ServerSession:
    kind = given["session"]
    if kind == "none":
        return NoSession()
    if kind == "refused":
        return Refused(given["code"], given["message"])
    if kind == "new":
        return WantsSession() if side == "client" else NewSession(bytes.fromhex(given["sessionId"]))
    received, proof = tuple(given["received"]), bytes.fromhex(given["proof"])
    if kind == "resumed":
        return Resumed(received, proof)
    assert kind == "resume"
    return WantsResume(bytes.fromhex(given["sessionId"]), received, proof)
