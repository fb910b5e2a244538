"""Requests by the blocking face, whose handlers run in threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import sealpipe
from sealpipe.blocking import handler_threads

from .support.blocking import code_of, pair
from .support.handlers import answering, echo


def test_either_end_asks_and_a_handler_knows_who_asked() -> None:
    with pair() as (server, client):
        connection = server.accept(timeout=20)

        @server.handle(1)
        def shout(request: sealpipe.ConnectionRequest) -> str:
            assert request.connection is connection
            assert threading.current_thread() is not threading.main_thread()
            return request.text.upper()

        @client.handle(2)
        def nothing(request: sealpipe.Request) -> None:
            assert request.data == b"anybody?"

        assert client.request(1, "hello").text == "HELLO"
        assert client.request(1, bytearray(b"bytes"), timeout=20).data == b"BYTES"
        assert connection.request(2, "anybody?", timeout=20).data == b""

        @connection.handle(1)
        def own(request: sealpipe.ConnectionRequest) -> bytes:
            return b"the connection's own"

        assert client.request(1, "hello").text == "the connection's own"


def test_what_was_written_before_a_request_arrives_before_it() -> None:
    with pair() as (server, client):

        @server.handle(1)
        def unread(request: sealpipe.ConnectionRequest) -> str:
            return ",".join(server.read(timeout=20).text for _ in range(100))

        for number in range(100):
            client.write(5, str(number))
        assert client.request(1, "").text == ",".join(map(str, range(100)))


def test_what_a_handler_raises_is_raised_by_the_request() -> None:
    class Unknown(Exception):
        code = "ERR_UNKNOWN_USER"

    def fail(request: object) -> None:
        raise Unknown("nobody of that name")

    def exits(request: object) -> None:
        raise SystemExit

    with pair() as (server, client):
        server.handle(1)(fail)
        server.handle(2)(exits)
        with pytest.raises(sealpipe.RemoteError, match="nobody of that name") as caught:
            client.request(1, "")
        assert caught.value.code == "ERR_UNKNOWN_USER"
        assert code_of(lambda: client.request(2, "")) == "ERR_HANDLER_FAILED"
        # The threads live on.
        assert code_of(lambda: client.request(1, "")) == "ERR_UNKNOWN_USER"
        assert code_of(lambda: client.request(3, "")) == "ERR_NO_HANDLER"
        assert code_of(lambda: client.request(0, "")) == "ERR_RESERVED_TYPE"
        assert code_of(lambda: client.request(1, 5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]
        assert code_of(lambda: client.request(1, "", timeout=-1)) == "ERR_INVALID_OPTION"


def test_no_more_handlers_run_at_a_time_than_there_may_be_threads() -> None:
    most = handler_threads.MAX_THREADS
    goes_on, lock = threading.Event(), threading.Lock()
    all_run = threading.Semaphore(0)
    running = peak = 0

    def wait(request: object) -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        all_run.release()
        assert goes_on.wait(60)
        with lock:
            running -= 1

    with ThreadPoolExecutor(2 * most) as pool, pair() as (server, client):
        server.handle(1)(wait)
        asking = [pool.submit(client.request, 1, "") for _ in range(2 * most)]
        try:
            for _ in range(most):
                assert all_run.acquire(timeout=20)
            # Messages are not held up by handlers.
            client.write(5, "meanwhile")
            assert server.read(timeout=20).text == "meanwhile"
            assert running == most
        finally:
            goes_on.set()
        for each in asking:
            assert each.result(20).data == b""
        assert peak == most


def test_a_request_that_takes_too_long_is_given_up_and_its_thread_is_used_again() -> None:
    goes_on = threading.Event()
    with pair() as (server, client):

        @server.handle(1)
        def slow(request: sealpipe.ConnectionRequest) -> str:
            assert goes_on.wait(60)
            return "too late"

        @server.handle(2)
        def name(request: sealpipe.ConnectionRequest) -> str:
            return threading.current_thread().name

        try:
            assert code_of(lambda: client.request(1, "", timeout=0.05)) == "ERR_REQUEST_TIMEOUT"
            assert client.request(2, "").text == "sealpipe-handler-2"
        finally:
            goes_on.set()
        assert client.request(2, "", timeout=20).text.startswith("sealpipe-handler-")


def test_a_handler_that_would_close_what_it_handles_requests_of_is_told() -> None:
    with pair() as (server, client):
        connection = server.accept(timeout=20)
        ends: list[Callable[[], None]] = [server.close, server.destroy, connection.close]

        @server.handle(1)
        def close(request: sealpipe.ConnectionRequest) -> str:
            for end in ends:
                with pytest.raises(RuntimeError, match="waits for the handler"):
                    end()
            return "told"

        assert client.request(1, "", timeout=20).text == "told"


def test_threads_end_with_their_endpoint() -> None:
    with pair() as (server, client):
        server.handle(1)(echo)
        client.request(1, "")
        [thread] = [each for each in threading.enumerate() if each.name.startswith("sealpipe-handler")]
    thread.join(20)
    assert not thread.is_alive()


def test_a_handler_has_to_be_a_plain_function() -> None:
    async def coroutine(request: object) -> None: ...

    with pair() as (server, client):
        for end in (server, client):
            assert code_of(lambda: end.handle(1)(coroutine)) == "ERR_INVALID_ARGUMENT"  # type: ignore[type-var]
            assert code_of(lambda: end.handle(1)("text")) == "ERR_INVALID_ARGUMENT"  # type: ignore[type-var]
            assert code_of(lambda: end.handle(0)(print)) == "ERR_RESERVED_TYPE"
            end.handle(1)(answering(None))
            assert code_of(lambda: end.handle(1)(answering(None))) == "ERR_INVALID_ARGUMENT"


def test_golang_ipcs_wire_has_no_requests() -> None:
    with pair(profile="classic") as (server, client):
        assert code_of(lambda: client.request(1, "", timeout=20)) == "ERR_PEER_NOT_NATIVE"
        connection = server.accept(timeout=20)
        assert code_of(lambda: connection.request(1, "", timeout=20)) == "ERR_PEER_NOT_NATIVE"


def test_a_request_is_cancelled_by_the_end_of_its_client() -> None:
    with ThreadPoolExecutor(1) as pool, pair() as (server, client):
        started, goes_on = threading.Event(), threading.Event()

        @server.handle(1)
        def slow(request: sealpipe.ConnectionRequest) -> None:
            started.set()
            assert goes_on.wait(60)

        asking = pool.submit(client.request, 1, "")
        assert started.wait(20)
        client.destroy()
        goes_on.set()
        assert code_of(lambda: asking.result(20)) == "ERR_CLOSED"
    assert not asyncio.all_tasks(server._thread._loop)
