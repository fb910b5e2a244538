"""Who does the work of the library's thread while that waits for events, and that nothing is forgotten over it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, islice

import pytest

import sealpipe
from sealpipe.blocking import event_loop, outbox
from sealpipe.blocking.event_loop import EventLoopThread
from sealpipe.blocking.lendable_loop import LendableLoop, new_loop
from sealpipe.transport.net_transport import NetTransport

from .support.blocking import code_of, held_thread, pair
from .support.names import fresh_name

pytestmark = pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="a loop is lent where there is epoll")

EACH_MESSAGE, NO_MESSAGE = -1.0, float("inf")
"""Times within which messages are gathered: threads send as often as they can, or never."""


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that writes sends whenever it may."""
    monkeypatch.setattr(outbox, "_GATHERING", EACH_MESSAGE)


@contextlib.contextmanager
def running_thread() -> Generator[tuple[EventLoopThread, LendableLoop], None, None]:
    thread = EventLoopThread()
    loop = thread._loop
    assert isinstance(loop, LendableLoop)
    try:
        yield thread, loop
    finally:
        thread.stop()


def do(thread: EventLoopThread, act: Callable[[], object]) -> None:
    """Has this thread do it, which is not the main one, as soon as the library's thread waits for events."""

    def act_here() -> None:
        assert threading.current_thread() is not thread._thread
        act()

    while not thread.do(act_here):
        assert thread._thread.is_alive()


def in_another_thread(act: Callable[[], bool]) -> bool:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result(20)


# The loop.


def test_whatever_is_left_to_the_loop_is_seen_by_its_thread_at_once() -> None:
    with running_thread() as (thread, loop), ThreadPoolExecutor(1) as pool:

        def calls(leave: Callable[[Callable[[], None]], object]) -> str:
            """The thread that calls what ``leave`` is given."""
            called: Future[str] = Future()
            act = lambda: called.set_result(threading.current_thread().name)  # noqa: E731
            pool.submit(do, thread, lambda: leave(act)).result(20)
            return called.result(20)

        async def run(act: Callable[[], None]) -> None:
            act()

        def write_once(act: Callable[[], None]) -> None:
            loop.remove_writer(ours)
            act()

        ours, theirs = socket.socketpair()
        with ours, theirs:
            ways: dict[str, Callable[[Callable[[], None]], object]] = {
                "call_soon": loop.call_soon,
                "call_later": lambda act: loop.call_later(0.001, act),
                "call_at": lambda act: loop.call_at(loop.time(), act),
                "at_rest": loop.at_rest,
                "start": lambda act: thread.start(run(act)),
                "add_writer": lambda act: loop.add_writer(ours, write_once, act),
            }
            assert {way: calls(leave) for way, leave in ways.items()} == dict.fromkeys(ways, "sealpipe")


def test_what_a_thread_does_for_the_loop_is_within_the_loop_and_nothing_else_of_it_runs_meanwhile() -> None:
    with running_thread() as (thread, loop), ThreadPoolExecutor(1) as pool:
        is_busy, goes_on, ran = threading.Event(), threading.Event(), threading.Event()

        def act() -> None:
            assert asyncio.get_running_loop() is loop
            with pytest.raises(RuntimeError, match="must not call what blocks"):
                thread.check_may_wait()
            is_busy.set()
            assert goes_on.wait(20)
            assert not ran.is_set()

        doing = pool.submit(do, thread, act)
        assert is_busy.wait(20)
        # Its thread wakes up, and has to wait.
        thread.post(ran.set)
        assert not ran.wait(0.05)
        assert not in_another_thread(lambda: thread.do(ran.set)), "one at a time"
        goes_on.set()
        doing.result(20)
        assert ran.wait(20)
        assert pool.submit(asyncio._get_running_loop).result(20) is None


def test_a_thread_with_a_loop_of_its_own_has_it_back() -> None:
    with running_thread() as (thread, _), ThreadPoolExecutor(1) as pool:

        async def main() -> None:
            own = asyncio.get_running_loop()
            do(thread, lambda: None)
            assert asyncio.get_running_loop() is own

        pool.submit(asyncio.run, main()).result(20)


def test_what_fails_is_reported_and_the_loop_goes_on() -> None:
    with running_thread() as (thread, loop), ThreadPoolExecutor(1) as pool:
        reported: deque[object] = deque()
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        error = ValueError("a defect")

        def fail() -> None:
            raise error

        pool.submit(do, thread, fail).result(20)
        assert list(reported) == [error]
        pool.submit(do, thread, lambda: None).result(20)


def test_a_loop_is_not_lent_to_the_main_thread_nor_in_its_own_nor_after_its_end() -> None:
    with running_thread() as (thread, _), ThreadPoolExecutor(1) as pool:
        pool.submit(do, thread, lambda: None).result(20)
        # It waits for events now, or will: the main thread never gets it.
        assert not any(thread.do(lambda: None) for _ in range(100))
        own: Future[bool] = Future()
        thread.post(lambda: own.set_result(thread.do(lambda: None)))
        assert own.result(20) is False
    assert in_another_thread(lambda: thread.do(lambda: None)) is False


def test_asyncios_debug_mode_has_nothing_to_complain_of(lent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with ThreadPoolExecutor(1) as pool, pair() as (server, client):
        for number in range(20):
            pool.submit(client.write, 1, str(number)).result(20)
            assert server.read(timeout=20).text == str(number)
        assert not pool.submit(client._thread.do, lambda: None).result(20)


def test_without_epoll_it_is_a_loop_like_any_other(lent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    loop = new_loop()
    assert not isinstance(loop, LendableLoop)
    loop.close()
    with ThreadPoolExecutor(1) as pool, pair() as (server, client):
        reading = pool.submit(server.read, 20)
        client.write(1, "hello")
        message = reading.result(20)
        pool.submit(message.connection.write, 1, "you too").result(20)
        assert client.read(timeout=20).text == "you too"


# The endpoints.


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> deque[str]:
    """The threads that have written to a socket, one for each write."""
    names: deque[str] = deque()
    write = NetTransport.write

    def note(self: NetTransport, data: bytes) -> None:
        names.append(threading.current_thread().name)
        write(self, data)

    monkeypatch.setattr(NetTransport, "write", note)
    return names


def test_a_thread_sends_what_it_writes_and_the_main_thread_and_one_that_writes_much_do_not(
    monkeypatch: pytest.MonkeyPatch, lent: None, senders: deque[str]
) -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="writer") as pool, pair(keepalive_interval=0) as (server, client):

        def write(text: str) -> set[str]:
            """The threads that sent it, while nothing else is sent."""
            while client.queued_bytes:
                client.flush()
            senders.clear()
            client.write(1, text)
            assert client.queued_bytes > 0
            assert server.read(timeout=20).text == text
            return set(islice(senders, 1))

        # It may be at work just then.
        while pool.submit(write, "by a thread").result(20) != {"writer_0"}:
            pass
        for _ in range(20):
            assert write("by the main thread") == {"sealpipe"}
        monkeypatch.setattr(outbox, "_GATHERING", NO_MESSAGE)
        for _ in range(20):
            assert pool.submit(write, "by one that writes much").result(20) == {"sealpipe"}


@pytest.mark.parametrize("gathering", [EACH_MESSAGE, outbox._GATHERING])
def test_each_thread_has_its_order_whoever_sends(monkeypatch: pytest.MonkeyPatch, gathering: float) -> None:
    monkeypatch.setattr(outbox, "_GATHERING", gathering)
    threads, each = 6, 400
    with ThreadPoolExecutor(threads) as pool, pair() as (server, client):
        connection = server.accept(timeout=20)

        def write(type: int) -> None:
            for number in range(each):
                client.write(type, str(number))
                if number % 50 == 0:
                    client.request(1, f"{type} {number}", timeout=20)

        read: dict[int, list[int]] = {type: [] for type in range(2, threads + 2)}

        @server.handle(1)
        def check(request: sealpipe.ConnectionRequest) -> str:
            return "after what was written before"

        writing = [pool.submit(write, type) for type in read]
        # The main thread takes part.
        for number in range(each):
            client.write(1, str(number))
        read[1] = []
        for message in islice(connection, (threads + 1) * each):
            read[message.type].append(int(message.text))
        for written in writing:
            written.result(20)
        assert set(map(tuple, read.values())) == {tuple(range(each))}


def test_large_messages_leave_by_and_by_whoever_began_with_them(lent: None) -> None:
    body = bytes(range(256)) * 4096
    with ThreadPoolExecutor(1) as pool, pair(max_queued_bytes=2**21) as (server, client):
        connection = server.accept(timeout=20)

        def write() -> None:
            for number in range(12):
                client.write(number + 1, body)

        writing = pool.submit(write)
        # A quarter of a MiB does not wait for anybody: the thread has to, and goes on.
        while not client._outbox._waiting:
            assert not writing.done()
        for number in range(12):
            message = connection.read(timeout=20)
            assert (message.type, message.data) == (number + 1, body)
        writing.result(20)


def test_threads_that_write_while_the_client_closes_end_and_nothing_overtakes(lent: None) -> None:
    with ThreadPoolExecutor(4) as pool, sealpipe.serve(fresh_name()) as server:
        for _ in range(5):
            with sealpipe.connect(server.name, connect_timeout=20) as client:

                def write(type: int) -> str:
                    def write_on() -> None:
                        for number in count():
                            client.write(type, str(number))

                    return code_of(write_on)

                writing = [pool.submit(write, type) for type in range(1, 5)]
                connection = server.accept(timeout=20)
                read: dict[int, list[int]] = {type: [] for type in range(1, 5)}
                for message in islice(connection, 100):
                    read[message.type].append(int(message.text))
                closing = threading.Thread(target=client.close)
                closing.start()
                for message in connection:
                    read[message.type].append(int(message.text))
                closing.join(20)
                assert not closing.is_alive()
                assert {each.result(20) for each in writing} == {"ERR_CLOSED"}
                assert all(numbers == list(range(len(numbers))) for numbers in read.values())


def test_a_write_of_a_thread_calls_no_callback_in_it(lent: None) -> None:
    name, called = fresh_name(), deque[str]()
    lock, told = threading.Lock(), threading.Event()

    def on_error(error: sealpipe.SealpipeError) -> None:
        if lock.acquire(timeout=10):
            called.append(f"{error.code} {threading.current_thread().name}")
            lock.release()
        told.set()

    with (
        ThreadPoolExecutor(1) as pool,
        sealpipe.serve(name, on_error=on_error) as server,
        sealpipe.connect(name, connect_timeout=20, max_message_bytes=1000),
    ):
        connection = server.accept(timeout=20)

        def write() -> None:
            # What the callback needs, too.
            with lock:
                connection.write(1, "x" * 2000)

        pool.submit(write).result(20)
        assert told.wait(20)
    assert list(called) == ["ERR_TOO_LARGE_FOR_PEER sealpipe"]


def test_messages_that_come_together_wake_as_many_threads(lent: None) -> None:
    with ThreadPoolExecutor(3) as pool, pair() as (server, client):
        connection = server.accept(timeout=20)
        for _ in range(20):
            reading = [pool.submit(connection.read, 20) for _ in range(3)]
            while len(connection._inbox._sleepers) < 3:
                pass
            with held_thread():
                for number in range(3):
                    client.write(1, str(number))
            assert sorted(each.result(20).text for each in reading) == ["0", "1", "2"]


def test_a_child_that_is_forked_while_a_thread_sends_makes_a_client_of_its_own() -> None:
    code = """
import os, sys, threading, sealpipe
from sealpipe.blocking import outbox
from sealpipe.transport.net_transport import NetTransport
outbox._GATHERING = -1
client = sealpipe.connect(sys.argv[1], connect_timeout=20)
is_sending, goes_on = threading.Event(), threading.Event()
write = NetTransport.write
def wait(self, data):
    if threading.current_thread().name == "writer":
        is_sending.set()
        goes_on.wait()
    write(self, data)
NetTransport.write = wait
def send():
    while not is_sending.is_set():
        client.write(1, "parent")
writer = threading.Thread(target=send, name="writer")
writer.start()
is_sending.wait()
if os.fork() == 0:
    with sealpipe.connect(sys.argv[1], connect_timeout=20) as own:
        own.write(2, "child")
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
goes_on.set()
writer.join()
client.write(3, "parent")
client.close()
"""
    name = fresh_name()
    with ThreadPoolExecutor(1) as pool, sealpipe.serve(name) as server:
        ran = pool.submit(subprocess.run, [sys.executable, "-W", "ignore", "-c", code, name], timeout=60, check=False)
        types: list[int] = []
        while not types or types[-1] != 3:
            types.append(server.read(timeout=60).type)
        assert types.count(2) == 1
        assert ran.result(60).returncode == 0


def test_the_librarys_thread_lends_its_loop() -> None:
    with pair():
        assert event_loop._shared is not None
        assert isinstance(event_loop._shared._loop, LendableLoop)
        assert os.environ.get("PYTHONASYNCIODEBUG") is None
