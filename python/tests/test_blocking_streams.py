"""Streams by the blocking face, whose handlers run in threads, and what a server says of itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import sealpipe
from sealpipe.blocking import handler_threads

from .support.blocking import code_of, pair
from .support.handlers import answering, echo, ignore_stream
from .support.names import fresh_name


def test_items_go_both_ways_until_each_end_ends_its_own_direction() -> None:
    with pair() as (server, client):
        context = sealpipe.TraceContext("00-" + "1" * 32 + "-" + "2" * 16 + "-01")

        @server.stream(2)
        def shout(stream: sealpipe.ConnectionStream) -> Iterator[str]:
            assert stream.connection is connection
            assert (stream.type, stream.data, stream.text, stream.context) == (2, b"about", "about", context)
            yield from (item.text.upper() for item in stream)

        connection = server.accept(timeout=20)
        with client.open_stream(2, "about", context=context) as stream:
            stream.write("a")
            first = stream.read(timeout=20)
            assert first is not None
            assert first.text == "A"
            stream.write(bytearray(b"b"))
            stream.end()
            assert [item.data for item in stream] == [b"B"]
            assert stream.read() is None
            assert stream.failure is None
            assert code_of(lambda: stream.write("c")) == "ERR_CLOSED"


def test_a_server_opens_streams_too_and_a_connections_handler_comes_first() -> None:
    with pair() as (server, client):
        connection = server.accept(timeout=20)

        @client.stream(3)
        def count(stream: sealpipe.Stream) -> Iterator[str]:
            for number in range(int(stream.text)):
                yield str(number)

        @server.stream(4)
        def of_all(stream: sealpipe.ConnectionStream) -> Iterator[str]:
            yield "the server's"

        @connection.stream(4)
        def own(stream: sealpipe.ConnectionStream) -> None:
            stream.write("the connection's own")

        counted = connection.open_stream(3, "3")
        assert counted.connection is connection
        assert [item.text for item in counted] == ["0", "1", "2"]
        assert [item.text for item in client.open_stream(4)] == ["the connection's own"]


def test_what_ends_a_stream_is_told_to_the_other_end() -> None:
    class Unknown(Exception):
        code = "ERR_UNKNOWN_FILE"

    held = threading.Event()
    codes: list[str] = []
    with pair() as (server, client):

        @server.stream(1)
        def fail(stream: sealpipe.ConnectionStream) -> None:
            raise Unknown("no such file")

        @server.stream(2)
        def endless(stream: sealpipe.ConnectionStream) -> Iterator[bytes]:
            try:
                while True:
                    yield bytes(65_536)
            finally:
                held.set()

        @server.stream(3)
        def waits(stream: sealpipe.ConnectionStream) -> None:
            stream.write("begun")
            codes.append(code_of(stream.read))
            held.set()

        @server.stream(4)
        def wrong(stream: sealpipe.ConnectionStream) -> Iterator[str]:
            return "text"  # type: ignore[return-value]

        assert code_of(lambda: client.open_stream(1).read(timeout=20)) == "ERR_UNKNOWN_FILE"
        assert code_of(lambda: client.open_stream(4).read(timeout=20)) == "ERR_HANDLER_FAILED"
        assert code_of(lambda: client.open_stream(5).read(timeout=20)) == "ERR_NO_HANDLER"

        stopped = client.open_stream(2)
        assert stopped.read(timeout=20) is not None
        stopped.stop()
        # The generator is closed in its own thread.
        assert held.wait(20)

        held.clear()
        given_up = client.open_stream(3)
        assert given_up.read(timeout=20) is not None
        with pytest.raises(ZeroDivisionError), given_up:
            raise ZeroDivisionError
        assert held.wait(20)
        held.clear()
        reset = client.open_stream(3)
        assert reset.read(timeout=20) is not None
        assert code_of(lambda: reset.reset("no code")) == "ERR_INVALID_ARGUMENT"
        reset.reset("ENOUGH", "of it")
        assert held.wait(20)
        assert codes == ["ERR_STREAM_RESET", "ENOUGH"]
        assert code_of(reset.read) == "ERR_CLOSED"
        assert isinstance(reset.failure, sealpipe.CallerError)


def test_wrong_calls_are_errors() -> None:
    async def generator(stream: object) -> object:
        yield b""

    def read_one(stream: sealpipe.Stream) -> None:
        stream.read()

    with pair() as (server, client):
        ends: list[sealpipe.Server | sealpipe.Client | sealpipe.Connection]
        ends = [server, client, server.accept(timeout=20)]
        for end in ends:
            assert code_of(lambda: end.stream(1)(generator)) == "ERR_INVALID_ARGUMENT"  # type: ignore[type-var]
            assert code_of(lambda: end.stream(0)(ignore_stream)) == "ERR_RESERVED_TYPE"
            # Reads until the reset: a stream that its handler has ended already is over, and a reset does nothing then.
            end.stream(1)(read_one)
            assert code_of(lambda: end.stream(1)(ignore_stream)) == "ERR_INVALID_ARGUMENT"
        assert code_of(lambda: client.open_stream(0)) == "ERR_RESERVED_TYPE"
        assert code_of(lambda: client.open_stream(1, 5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]
        stream = client.open_stream(1)
        assert code_of(lambda: stream.write(5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]
        assert code_of(lambda: stream.read(timeout=-1)) == "ERR_INVALID_OPTION"
        stream.reset()
    assert code_of(lambda: client.open_stream(1)) == "ERR_CLOSED"
    assert code_of(lambda: client.request(1, "", timeout=1)) == "ERR_CLOSED"
    assert code_of(lambda: ends[2].request(1, "", timeout=1)) == "ERR_CLOSED"  # type: ignore[union-attr]
    assert code_of(client.describe) == "ERR_CLOSED"
    assert code_of(stream.read) == "ERR_CLOSED"


def test_a_read_that_times_out_loses_no_item() -> None:
    goes_on = threading.Event()
    with pair() as (server, client):

        @server.stream(1)
        def late(stream: sealpipe.ConnectionStream) -> Iterator[str]:
            assert goes_on.wait(60)
            yield "late"

        stream = client.open_stream(1)
        assert code_of(lambda: stream.read(timeout=0.01)) == "ERR_READ_TIMEOUT"
        goes_on.set()
        assert [item.text for item in stream] == ["late"]


def test_streams_do_not_take_the_threads_of_requests() -> None:
    count = handler_threads.MAX_THREADS + 1
    goes_on, runs = threading.Event(), threading.Semaphore(0)
    with pair() as (server, client):

        @server.stream(1)
        def waits(stream: sealpipe.ConnectionStream) -> None:
            runs.release()
            assert goes_on.wait(60)

        server.handle(1)(echo)
        streams = [client.open_stream(1) for _ in range(count)]
        try:
            for _ in range(count):
                assert runs.acquire(timeout=20)
            assert client.request(1, "meanwhile", timeout=20).text == "meanwhile"
        finally:
            goes_on.set()
        assert [stream.read(timeout=20) for stream in streams] == [None] * count


def test_items_wait_for_their_reader_and_arrive_in_order() -> None:
    with ThreadPoolExecutor(1) as pool, pair(stream_window_bytes=65_536) as (server, client):

        def write() -> None:
            for number in range(200):
                stream.write(number.to_bytes(4, "big") + bytes(4_092))
            stream.end()

        opened = threading.Event()
        streams: list[sealpipe.ConnectionStream] = []
        goes_on = threading.Event()

        @server.stream(1)
        def hold(came: sealpipe.ConnectionStream) -> None:
            streams.append(came)
            opened.set()
            assert goes_on.wait(60)

        stream = client.open_stream(1)
        writing = pool.submit(write)
        assert opened.wait(20)
        try:
            assert [int.from_bytes(item.data[:4], "big") for item in streams[0]] == list(range(200))
        finally:
            goes_on.set()
        writing.result(20)


def test_what_is_prepared_is_there_before_the_server_listens() -> None:
    name = fresh_name()
    statuses: list[str] = []

    def prepare(server: sealpipe.Server) -> None:
        statuses.append(server.status)
        server.handle(1)(answering("prepared"))

    def fail(server: sealpipe.Server) -> None:
        raise ZeroDivisionError

    with sealpipe.serve(name, prepare=prepare) as server, sealpipe.connect(name, connect_timeout=20) as client:
        assert client.request(1, "").text == "prepared"
        assert (statuses, server.status) == (["not-connected"], "listening")
        assert code_of(lambda: sealpipe.serve(name, prepare=prepare)) == "ERR_ADDRESS_IN_USE"
    with pytest.raises(ZeroDivisionError):
        sealpipe.serve(name, prepare=fail)
    assert code_of(lambda: sealpipe.serve(name, prepare=5)) == "ERR_INVALID_OPTION"  # type: ignore[arg-type]


def test_any_request_without_a_handler_of_its_own_is_handled() -> None:
    with pair() as (server, client):

        @server.handle_any
        def any(request: sealpipe.ConnectionRequest) -> str:
            return str(request.type)

        server.handle(1)(answering("own"))
        assert (client.request(1, "").text, client.request(2, "").text) == ("own", "2")
        assert code_of(lambda: server.handle_any(answering(None))) == "ERR_INVALID_ARGUMENT"


def test_a_server_says_what_it_is_if_it_allows_that() -> None:
    with pair(application="app", application_version="3", codec="json") as (server, client):
        assert code_of(client.describe) == "ERR_NOT_ALLOWED"
        server.allow_describe()
        server.handle(1)(answering(None))
        server.stream(2)(ignore_stream)
        said = client.describe(timeout=20)
        assert (said.application, said.application_version, said.codec) == ("app", "3", "json")
        assert (said.requests, said.streams, said.connections) == ((1,), (2,), 1)
        assert client.peer is not None
        assert client.peer.pid == said.pid
        server.allow_describe(False)
        assert code_of(client.describe) == "ERR_NOT_ALLOWED"


def test_a_server_is_shut_down_by_a_client_if_it_allows_that() -> None:
    requests: list[sealpipe.ShutdownRequest[sealpipe.Connection]] = []
    closed = threading.Event()
    with pair() as (server, client):
        connection = server.accept(timeout=20)
        assert code_of(client.shutdown_server) == "ERR_NOT_ALLOWED"
        assert code_of(lambda: server.allow_shutdown(5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]

        @server.allow_shutdown
        def shutdown(request: sealpipe.ShutdownRequest[sealpipe.Connection]) -> None:
            requests.append(request)
            server.close()
            closed.set()

        client.shutdown_server("an update", timeout=20)
        assert closed.wait(20)
        assert [(request.reason, request.connection) for request in requests] == [("an update", connection)]
        assert server.status == "closed"
        again: Callable[[], object] = lambda: server.allow_shutdown(shutdown)  # noqa: E731
        assert code_of(again) == "ERR_INVALID_ARGUMENT"


def test_an_end_ends_streams_whose_handlers_wait() -> None:
    codes: list[str] = []
    begun = threading.Event()
    with pair() as (server, client):

        @server.stream(1)
        def waits(stream: sealpipe.ConnectionStream) -> None:
            begun.set()
            codes.append(code_of(stream.read))

        stream = client.open_stream(1)
        assert begun.wait(20)
        server.close()
        assert codes == ["ERR_CLOSED"]
        assert code_of(lambda: stream.read(timeout=20)) == "ERR_SESSION_LOST"
