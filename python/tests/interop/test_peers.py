"""Live with real peers, both ways round: golang-ipc, and the TypeScript library."""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import sealpipe
import sealpipe.aio

from ..support.lines_process import LinesProcess
from ..support.names import fresh_name
from ..support.peers import NEWEST_GO, PEERS, PeerKind
from ..support.wire import pattern

SIZES = [0, 1, 1_024, 32_000, 65_536, 3_145_728]
TYPES = [1, 2**31, 2**32 - 1]
IN_ORDER = 1_000
ROUNDS = 500

modes = pytest.mark.parametrize("encryption", [True, False], ids=["encrypted", "plain"])
roles = pytest.mark.parametrize("role", ["our server", "our client"])
all_peers = pytest.mark.parametrize("kind", PEERS, ids=str)


@dataclass(frozen=True)
class Conversation:
    peer: LinesProcess
    ours: sealpipe.Client | sealpipe.Connection


@contextmanager
def conversation(kind: PeerKind, role: str, encryption: bool) -> Generator[Conversation, None, None]:
    name = fresh_name()
    if role == "our server":
        with (
            sealpipe.serve(name, encryption=encryption) as server,
            kind.start("client", name, encryption=encryption) as peer,
        ):
            ours = server.accept(timeout=30)
            peer.until_status("connected")
            assert ours.encrypted == encryption
            yield Conversation(peer, ours)
            # In this order: a golang-ipc client whose server goes tries to get it back.
            server.close()
        return
    with kind.start("server", name, encryption=encryption) as peer:
        peer.until_status("listening")
        with sealpipe.connect(name, encryption=encryption, connect_timeout=30) as client:
            peer.until_status("connected")
            assert client.encrypted == encryption
            yield Conversation(peer, client)


def peer_receives(talk: Conversation, type: int, size: int) -> None:
    data = pattern(size, size % 251)
    talk.ours.write(type, data)
    message = talk.peer.until_message()
    assert (message["type"], message["bytes"]) == (type, size)
    assert message["sha256"] == hashlib.sha256(data).hexdigest()


def we_receive(talk: Conversation, type: int, size: int) -> None:
    talk.peer.ask(do="write", type=type, bytes=size, seed=size % 251)
    message = talk.ours.read(timeout=30)
    assert message.type == type
    assert message.data == pattern(size, size % 251)


@all_peers
@modes
@roles
def test_messages_of_all_sizes_and_types_arrive_both_ways(kind: PeerKind, encryption: bool, role: str) -> None:
    with conversation(kind, role, encryption) as talk:
        # golang-ipc's server takes a first message before it calls itself connected; then it can write.
        for size in SIZES:
            if size <= kind.largest_body:
                peer_receives(talk, 5, size)
                we_receive(talk, 5, size)
        for type in TYPES:
            peer_receives(talk, type, 10)
            we_receive(talk, type, 10)


@all_peers
@modes
@roles
def test_1000_messages_arrive_in_order_each_way(kind: PeerKind, encryption: bool, role: str) -> None:
    with conversation(kind, role, encryption) as talk:
        talk.peer.ask(do="quiet", on=True)
        for number in range(IN_ORDER):
            talk.ours.write(9, number.to_bytes(8, "big"))
        while (count := talk.peer.ask(do="count"))["messages"] < IN_ORDER:
            pass
        assert (count["messages"], count["inOrder"]) == (IN_ORDER, True)
        talk.peer.command(do="sequence", type=9, count=IN_ORDER, bytes=8, id="sequence")
        numbers = [int.from_bytes(talk.ours.read(timeout=30).data, "big") for _ in range(IN_ORDER)]
        assert numbers == list(range(IN_ORDER))


@pytest.mark.parametrize("kind", [NEWEST_GO, PEERS[2]], ids=str)
def test_500_encrypted_handshakes_of_peers_with_our_server(kind: PeerKind) -> None:
    errors: list[sealpipe.SealpipeError] = []
    name = fresh_name()
    with (
        sealpipe.serve(name, on_error=errors.append) as server,
        kind.start("handshakes", name, extra=("--count", str(ROUNDS))) as peer,
    ):
        for _ in range(ROUNDS):
            message = server.read(timeout=30)
            message.connection.write(message.type, message.data)
        done = peer.until(lambda line: line["event"] in ("done", "error"))
    assert (done, errors) == ({"event": "done", "rounds": ROUNDS}, [])


@pytest.mark.parametrize("kind", [NEWEST_GO, PEERS[2]], ids=str)
async def test_500_encrypted_handshakes_of_ours_with_a_peers_server(kind: PeerKind) -> None:
    name = fresh_name()
    with kind.start("server", name) as peer:
        peer.command(do="echo", on=True)
        peer.until_status("listening")
        for number in range(ROUNDS):
            async with sealpipe.aio.connect(name, connect_timeout=30) as client:
                peer.until_status("connected")
                await client.write(5, str(number))
                assert (await client.read(timeout=10)).text == str(number)
            # Not before golang-ipc has noticed: it would ignore the next client for ever.
            peer.until_status("disconnected")


@pytest.mark.parametrize("kind", [NEWEST_GO, PEERS[2]], ids=str)
def test_a_client_comes_back_to_a_peers_server_that_was_killed_and_started_again(kind: PeerKind) -> None:
    name = fresh_name()
    statuses: list[str] = []
    with kind.start("server", name) as peer:
        peer.until_status("listening")
        with sealpipe.connect(name, connect_timeout=30, on_status=statuses.append) as client:
            client.write(5, "before")
            assert peer.until_message()["text"] == "before"
            peer.kill()
            with kind.start("server", name) as again:
                again.until_status("connected")
                client.write(5, "after")
                assert again.until_message()["text"] == "after"
    assert statuses[:4] == ["connecting", "connected", "reconnecting", "connected"]


def test_a_golang_ipc_client_comes_back_to_our_server_after_an_orderly_close() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server:
        peer = NEWEST_GO.start("client", name, extra=("--retry-seconds", "1"))
        with peer:
            server.accept(timeout=30)
            peer.until_status("connected")
            server.close()
            peer.until_status("reconnecting")
            with sealpipe.serve(name) as again:
                connection = again.accept(timeout=30)
                connection.write(5, "here again")
                assert peer.until_message()["text"] == "here again"
                again.close()


@modes
def test_a_server_never_harms_a_golang_ipc_server_at_the_address_it_wants(encryption: bool) -> None:
    name = fresh_name()
    with NEWEST_GO.start("server", name, encryption=encryption) as peer:
        peer.until_status("listening")
        for _ in range(3):
            with pytest.raises(sealpipe.SystemError) as caught:
                sealpipe.serve(name)
            assert caught.value.code == "ERR_ADDRESS_IN_USE"
        with sealpipe.connect(name, encryption=encryption, connect_timeout=30) as client:
            client.write(5, "alive")
            assert peer.until_message()["text"] == "alive"
            with pytest.raises(sealpipe.SystemError, match="a server is alive there"):
                sealpipe.serve(name)
            client.write(5, "still")
            assert peer.until_message()["text"] == "still"


def test_a_golang_ipc_server_that_has_its_client_is_told_by_name() -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    with NEWEST_GO.start("server", name) as peer:
        peer.until_status("listening")
        with sealpipe.connect(name, connect_timeout=30):
            peer.until_status("connected")
            with pytest.raises(sealpipe.SystemError) as caught:
                sealpipe.connect(name, connect_timeout=1, handshake_timeout=0.3, on_error=errors.append)
    assert caught.value.code == "ERR_CONNECT_TIMEOUT"
    assert errors[0].code == "ERR_HANDSHAKE_TIMEOUT"
    assert "already has its one client" in str(errors[0])


def test_a_server_that_a_killed_process_left_behind_is_replaced() -> None:
    name = fresh_name()
    peer = PEERS[2].start("server", name)
    peer.until_status("listening")
    left = pathlib.Path(f"/tmp/{name}.sock")
    identity = os.lstat(left).st_ino
    peer.kill()
    assert left.exists()
    with sealpipe.serve(name) as server, sealpipe.connect(name, connect_timeout=10) as client:
        assert os.lstat(left).st_ino != identity or server.connections
        client.write(5, "hello")
        assert server.read(timeout=10).text == "hello"
    assert not left.exists()


@modes
def test_an_insisting_end_refuses_a_plain_one(encryption: bool) -> None:
    name = fresh_name()
    with (
        PEERS[2].start("server", name, encryption=False) as peer,
    ):
        peer.until_status("listening")
        if encryption:
            with pytest.raises(sealpipe.PeerError) as caught:
                sealpipe.connect(name, connect_timeout=10)
            assert caught.value.code == "ERR_ENCRYPTION_REQUIRED"
            assert peer.until(lambda line: line["event"] == "error")["error"] == "ERR_ENCRYPTION_REQUIRED"
        else:
            with sealpipe.connect(name, connect_timeout=10, encryption=False) as client:
                assert not client.encrypted
