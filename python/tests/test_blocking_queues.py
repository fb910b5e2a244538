"""What waits between a program's threads and the library's: neither waits for the other without need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, count, islice
from time import monotonic

import pytest

import sealpipe

from .support.blocking import code_of, held_thread
from .support.names import fresh_name


@contextmanager
def pair(**options: object) -> Generator[tuple[sealpipe.Connection, sealpipe.Client], None, None]:
    """Both ends of a connection, with the options that both have."""
    name = fresh_name()
    with (
        sealpipe.serve(name, **options) as server,  # type: ignore[arg-type]
        sealpipe.connect(name, connect_timeout=20, **options) as client,  # type: ignore[arg-type]
    ):
        yield server.accept(timeout=20), client


def texts(messages: Iterator[sealpipe.Message], number: int) -> list[str]:
    return [message.text for message in islice(messages, number)]


def write_all(end: sealpipe.Connection | sealpipe.Client, bodies: Iterable[str]) -> None:
    for body in bodies:
        end.write(1, body)


def test_writes_do_not_wait_for_the_thread_of_the_library() -> None:
    with pair() as (connection, client):
        with held_thread():
            for number in range(1000):
                client.write(1, str(number))
                connection.write(1, str(number))
            assert client.queued_bytes == connection.queued_bytes > 1000 * 64
        wanted = [str(number) for number in range(1000)]
        assert texts(connection, 1000) == texts(client, 1000) == wanted


def test_messages_that_have_arrived_are_read_without_the_thread_of_the_library() -> None:
    with pair() as (connection, client):
        write_all(client, map(str, range(100)))
        assert connection.read(timeout=20).text == "0"
        deadline = monotonic() + 20
        while len(connection._inbox._entries) < 99:
            assert monotonic() < deadline
        with held_thread():
            assert texts(connection, 99) == [str(number) for number in range(1, 100)]


def test_each_thread_has_its_order_and_nothing_is_lost_or_doubled() -> None:
    threads, each = 8, 500
    with ThreadPoolExecutor(threads) as pool, pair() as (connection, client):

        def write(thread: int) -> None:
            for number in range(each):
                client.write(thread + 1, str(number))

        writing = [pool.submit(write, thread) for thread in range(threads)]
        read: dict[int, list[int]] = {thread + 1: [] for thread in range(threads)}
        for message in islice(connection, threads * each):
            read[message.type].append(int(message.text))
        for written in writing:
            written.result(20)
        assert set(map(tuple, read.values())) == {tuple(range(each))}
        assert code_of(lambda: connection.read(timeout=0)) == "ERR_READ_TIMEOUT"


def test_many_threads_read_each_message_once_and_all_learn_of_the_end() -> None:
    with ThreadPoolExecutor(4) as pool, pair() as (connection, client):
        reading = [pool.submit(lambda: [int(message.text) for message in connection]) for _ in range(4)]
        for number in range(2000):
            client.write(1, str(number))
        client.close()
        read = [each.result(20) for each in reading]
        assert sorted(chain(*read)) == list(range(2000))
        assert all(each == sorted(each) for each in read)


def test_a_writer_waits_while_the_peer_reads_nothing_and_goes_on_when_it_does() -> None:
    bound = 64 * 1024
    with ThreadPoolExecutor(1) as pool, pair(max_queued_bytes=bound) as (connection, client):
        started = threading.Event()
        most = 0

        def write() -> None:
            nonlocal most
            for number in range(3000):
                client.write(1, str(number) + "x" * 1000)
                most = max(most, client.queued_bytes)
                if number == 10:
                    started.set()

        writing = pool.submit(write)
        assert started.wait(20)
        # Only once it waits, which it has to.
        while not client._outbox._waiting:
            assert not writing.done()
        read = [int(message.text.rstrip("x")) for message in islice(connection, 3000)]
        writing.result(20)
        assert read == list(range(3000))
        assert most <= bound // 4 + 1300, "a quarter, and the last message"


@pytest.mark.parametrize("ends", ["close", "destroy"])
def test_who_waits_for_room_or_for_a_message_is_told_of_the_end(ends: str) -> None:
    name = fresh_name()
    with (
        ThreadPoolExecutor(2) as pool,
        sealpipe.serve(name, max_queued_bytes=4096),
        sealpipe.connect(name, connect_timeout=20, max_queued_bytes=4096, close_timeout=0.1) as client,
    ):

        def write_for_ever() -> None:
            while True:
                client.write(1, b"x" * 1000)

        writing, reading = pool.submit(write_for_ever), pool.submit(client.read)
        while not client._outbox._waiting:
            assert not writing.done()
        getattr(client, ends)()
        assert code_of(lambda: writing.result(20)) == "ERR_CLOSED"
        assert code_of(lambda: reading.result(20)) == "ERR_CLOSED"


def test_a_server_that_loses_its_client_lets_go_who_waits_for_room() -> None:
    # A native client may come back, and the writer waits for it.
    with ThreadPoolExecutor(1) as pool, pair(max_queued_bytes=4096, profile="classic") as (connection, client):
        writing = pool.submit(write_all, connection, ["x" * 1000] * 1000)
        while not connection._outbox._waiting:
            assert not writing.done()
        client.destroy()
        writing.result(20)


def test_what_is_found_out_later_is_raised_by_the_next_call_once() -> None:
    name = fresh_name()
    with (
        sealpipe.serve(name, max_message_bytes=100) as server,
        sealpipe.connect(name, connect_timeout=20) as client,
    ):
        client.write(1, b"x" * 101)
        assert code_of(client.flush) == "ERR_TOO_LARGE_FOR_PEER"
        with held_thread():
            client.write(1, b"x" * 101)
            client.write(2, "after it")
        assert server.read(timeout=20).text == "after it"
        assert code_of(lambda: client.write(3, "not sent")) == "ERR_TOO_LARGE_FOR_PEER"
        client.write(4, "sent")
        assert server.read(timeout=20).text == "sent"
        client.flush()


def test_a_client_without_an_offline_queue_raises_at_the_next_call_that_it_is_not_connected() -> None:
    with sealpipe.create_client(fresh_name(), offline_queue=False) as client:
        client.write(1, "lost")
        assert code_of(client.flush) == "ERR_NOT_CONNECTED"
        client.flush()


def test_what_can_be_seen_at_once_is_raised_at_once_and_nothing_is_queued() -> None:
    with pair(max_message_bytes=1000) as (connection, client):
        for end in (connection, client):
            assert code_of(lambda: end.write(0, b"")) == "ERR_RESERVED_TYPE"
            assert code_of(lambda: end.write(2**32, b"")) == "ERR_TYPE_OUT_OF_RANGE"
            assert code_of(lambda: end.write(True, b"")) == "ERR_TYPE_OUT_OF_RANGE"
            assert code_of(lambda: end.write(1, 5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]
            assert code_of(lambda: end.write(1, "\ud800")) == "ERR_INVALID_ARGUMENT"
            assert code_of(lambda: end.write(1, b"x" * 1001)) == "ERR_MESSAGE_TOO_LARGE"
            assert end.queued_bytes == 0
        data = bytearray(b"as it was when written")
        with held_thread():
            client.write(1, data)
            client.write(2, memoryview(data)[:2])
            data[:2] = b"**"
        assert texts(connection, 2) == ["as it was when written", "as"]


def test_a_slow_reader_holds_up_the_peer_and_all_of_it_arrives() -> None:
    with ThreadPoolExecutor(1) as pool, pair(max_queued_bytes=8192) as (connection, client):
        writing = pool.submit(write_all, client, [str(number) + "x" * 500 for number in range(1000)])
        for number, message in enumerate(islice(connection, 1000)):
            assert message.text.rstrip("x") == str(number)
            assert len(connection._inbox._entries) < 8192 // 500 + 256, "what came in one piece, at most"
        writing.result(20)


def test_messages_that_move_to_their_connection_while_others_read_the_server_keep_their_order() -> None:
    name = fresh_name()
    with (
        ThreadPoolExecutor(3) as pool,
        sealpipe.serve(name, max_queued_bytes=65_536) as server,
        sealpipe.connect(name, connect_timeout=20, max_queued_bytes=65_536) as one,
        sealpipe.connect(name, connect_timeout=20, max_queued_bytes=65_536) as other,
    ):
        first = server.accept(timeout=20)
        claimed = threading.Event()

        def write(client: sealpipe.Client) -> int:
            """How many it wrote."""
            for number in count():
                if claimed.is_set() and number >= 1000:
                    client.write(2, str(number))
                    return number + 1
                client.write(1, str(number))
            raise AssertionError

        writing = [pool.submit(write, client) for client in (one, other)]
        reading = pool.submit(lambda: [(message.connection, int(message.text)) for message in server])
        try:
            own = [first.read(timeout=20)]
            claimed.set()
            while own[-1].type != 2:
                own.append(first.read(timeout=20))
            ones, others = (each.result(20) for each in writing)
            other.close()
        finally:
            claimed.set()
            server.close()
        rest = reading.result(20)
        assert [number for source, number in rest if source is first] + [int(message.text) for message in own] == list(
            range(ones)
        )
        read = [number for source, number in rest if source is not first]
        # The server's unread messages are dropped by its close.
        assert read == list(range(len(read)))
        assert len(read) <= others


def test_a_broadcast_comes_after_what_its_thread_wrote_before() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server, sealpipe.connect(name, connect_timeout=20) as client:
        connection = server.accept(timeout=20)
        for number in range(0, 200, 2):
            connection.write(1, str(number))
            server.broadcast(1, str(number + 1))
        assert texts(client, 200) == [str(number) for number in range(200)]


def test_a_callback_may_write_and_is_told_that_it_must_not_wait() -> None:
    name = fresh_name()
    raised: list[str] = []

    def use(status: sealpipe.Status) -> None:
        if status != "reconnecting":
            return
        client.write(1, "from a callback")
        for wait in (client.flush, client.read, client.close, lambda: client.read(timeout=1)):
            with pytest.raises(RuntimeError, match="must not call what blocks"):
                wait()
        raised.append("all of them")

    server = sealpipe.serve(name)
    with sealpipe.connect(name, connect_timeout=20, on_status=use) as client:
        server.close()
        with sealpipe.serve(name) as server:
            assert server.read(timeout=20).text == "from a callback"
    assert set(raised) == {"all of them"}


def test_what_was_read_makes_room_however_far_apart_reads_are() -> None:
    with pair() as (connection, client):
        for number in range(3):
            client.write(1, str(number))
            assert connection.read(timeout=20).text == str(number)
            deadline = monotonic() + 20
            while connection._inner._life.has_unread:
                assert monotonic() < deadline


def test_a_thread_that_is_interrupted_anywhere_may_write_and_read_in_its_signal_handler() -> None:
    with pair() as (connection, client):
        connection.write(1, "to be read")
        client.write(1, "and seen to arrive")
        assert connection.read(timeout=20).text == "and seen to arrive"
        # As if it were interrupted while it holds them.
        with client._outbox._lock, client._inbox._lock, client._thread._lock:
            client.write(1, "written")
            assert client.read(timeout=20).text == "to be read"
        assert connection.read(timeout=20).text == "written"


def _run(code: str, name: str) -> None:
    result = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no timer that interrupts")
def test_a_signal_handler_may_write_and_read_while_its_thread_does() -> None:
    code = """
import signal, sys, sealpipe
handled = 0
def handle(number, frame):
    global handled
    handled += 1
    client.write(2, str(handled))
    try:
        read.append(client.read(timeout=0))
    except sealpipe.PeerError:
        pass
read = []
with sealpipe.connect(sys.argv[1], connect_timeout=20) as client:
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    count = 0
    while handled < 200:
        client.write(1, str(count))
        count += 1
        read.append(client.read(timeout=20))
    signal.setitimer(signal.ITIMER_REAL, 0)
    client.write(3, f"{count} {handled}")
    while read[-1].type != 3:
        read.append(client.read(timeout=20))
    assert sorted(int(message.text) for message in read if message.type == 1) == list(range(count))
    assert sorted(int(message.text) for message in read if message.type == 2) == list(range(1, handled + 1))
"""
    name = fresh_name()
    with ThreadPoolExecutor(1) as pool, sealpipe.serve(name) as server:

        def echo() -> None:
            for message in server:
                message.connection.write(message.type, message.data)

        echoing = pool.submit(echo)
        _run(code, name)
        server.close()
        echoing.result(20)


def test_an_interrupt_ends_a_write_that_waits_and_nothing_of_it_is_sent() -> None:
    code = """
import os, signal, sys, threading, sealpipe
with sealpipe.connect(sys.argv[1], connect_timeout=20, max_queued_bytes=4096) as client:
    def interrupt():
        while not client._outbox._waiting:
            pass
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    number = 0
    try:
        while True:
            client.write(1, str(number) + "x" * 1000)
            number += 1
    except KeyboardInterrupt:
        client.write(2, str(number))
    client.flush()
"""
    name = fresh_name()
    with ThreadPoolExecutor(1) as pool, sealpipe.serve(name) as server:
        # Its messages wait for the accepted connection, which is read only once the client has been interrupted.
        running = pool.submit(_run, code, name)
        connection = server.accept(timeout=20)
        read: list[int] = []
        for message in connection:
            if message.type == 2:
                assert read == list(range(int(message.text)))
                break
            read.append(int(message.text.rstrip("x")))
        running.result(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_child_neither_reads_nor_writes_what_is_its_parents() -> None:
    code = """
import os, sys, threading, sealpipe
client = sealpipe.connect(sys.argv[1], connect_timeout=20)
server = sealpipe.serve(sys.argv[1] + "-own")
client.write(1, "parent")
assert client.read(timeout=20).text == "one"
while not client._inbox._entries:
    pass
# What is written now is still to be sent when the child begins.
goes_on = threading.Event()
client._thread.post(goes_on.wait)
client.write(1, "still the parent")
if os.fork() == 0:
    uses = [client.read, lambda: next(client), lambda: client.write(1, "child"), client.flush, client.close,
            client.destroy, client.connected, server.read, server.accept, lambda: server.broadcast(1, "child")]
    for use in uses:
        try:
            use()
        except RuntimeError as error:
            assert "connect after the fork" in str(error)
        else:
            os._exit(uses.index(use) + 1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
goes_on.set()
assert client.read(timeout=20).text == "two"
client.close()
server.close()
"""
    name = fresh_name()
    with ThreadPoolExecutor(1) as pool:
        with sealpipe.serve(name) as server:
            running = pool.submit(
                subprocess.run, [sys.executable, "-W", "ignore", "-c", code, name], capture_output=True, text=True
            )
            message = server.read(timeout=20)
            message.connection.write(1, "one")
            message.connection.write(1, "two")
            assert server.read(timeout=20).text == "still the parent"
            result = running.result(60)
        assert (result.returncode, result.stderr) == (0, "")
