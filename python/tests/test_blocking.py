"""The blocking face."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import sealpipe

from .support.blocking import code_of
from .support.names import fresh_name


def test_messages_go_both_ways_by_read_and_by_iteration() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server, sealpipe.connect(name, connect_timeout=10) as client:
        assert (server.status, client.status) == ("listening", "connected")
        assert (client.name, client.address, client.encrypted, client.profile) == (
            name,
            server.address,
            True,
            "native",
        )
        client.write(5, b"question")
        message = next(iter(server))
        assert (message.type, message.data) == (5, b"question")
        message.connection.write(6, "answer")
        assert client.read(timeout=10).text == "answer"
        [connection] = server.connections
        assert server.accept() is connection is message.connection
        assert (connection.encrypted, connection.profile, connection.status) == (True, "native", "connected")
        server.broadcast(7, "all")
        client.flush()
        assert next(client).text == "all"
        connection.flush()
        assert (connection.id, connection.queued_bytes, client.queued_bytes) == (1, 0, 0)
        connection.close()
        with pytest.raises(sealpipe.CallerError):
            connection.write(1, b"")
    assert server.status == "closed"
    assert list(client) == []
    assert code_of(client.read) == "ERR_CLOSED"
    assert code_of(lambda: client.write(1, b"")) == "ERR_CLOSED"
    assert code_of(server.accept) == "ERR_CLOSED"
    connection.destroy()
    server.close()
    client.close()


def test_a_loop_in_one_thread_ends_when_another_closes() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server, ThreadPoolExecutor() as threads:
        client = sealpipe.connect(name, connect_timeout=10)
        reading = threads.submit(lambda: [message.text for message in client])
        connection = server.accept(timeout=10)
        connection.write(1, "only")
        assert connection.queued_bytes >= 0
        connection.flush()
        serving = threads.submit(lambda: [message.text for message in connection])
        client.write(2, "last words")
        client.flush()
        client.close()
        assert serving.result(10) == ["last words"]
        assert reading.result(10) in (["only"], [])


def test_each_end_is_told_of_a_connection_that_breaks_and_again_if_it_is_over() -> None:
    name = fresh_name()
    told: dict[str, list[str]] = {"server": [], "client": []}
    with sealpipe.serve(name, resume_window=1, on_error=lambda error: told["server"].append(error.code)) as server:
        client = sealpipe.connect(
            name, connect_timeout=10, retry_delay=0.01, on_error=lambda error: told["client"].append(error.code)
        )
        connection = server.accept(timeout=10)
        driver = connection._inner._link.driver
        assert driver is not None
        connection._thread.post(driver._transport.destroy)
        client.write(1, b"after")
        assert connection.read(timeout=10).text == "after"
        assert told == {"server": ["ERR_CONNECTION_LOST"], "client": ["ERR_CONNECTION_LOST"]}
        client.destroy()
        with pytest.raises(sealpipe.PeerError, match="did not come back within 1 s"):
            connection.read(timeout=20)
        assert told["server"] == ["ERR_CONNECTION_LOST"] * 3, "it broke, it broke again, and it is over"
        client.close()


def test_many_threads_may_use_one_client() -> None:
    name = fresh_name()
    with (
        sealpipe.serve(name) as server,
        sealpipe.connect(name, connect_timeout=10) as client,
        ThreadPoolExecutor(8) as threads,
    ):

        def write(number: int) -> None:
            client.write(1, str(number))

        list(threads.map(write, range(200)))
        assert sorted(int(server.read(timeout=10).text) for _ in range(200)) == list(range(200))


def test_a_read_with_a_timeout_comes_back() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server:
        assert code_of(lambda: server.read(timeout=0)) == "ERR_READ_TIMEOUT"
        assert code_of(lambda: server.read(timeout=0.01)) == "ERR_READ_TIMEOUT"
        assert code_of(lambda: server.accept(timeout=0.01)) == "ERR_READ_TIMEOUT"
        assert code_of(lambda: server.read(timeout=float("nan"))) == "ERR_INVALID_OPTION"


def test_what_cannot_start_leaves_no_thread() -> None:
    name = fresh_name()
    assert code_of(lambda: sealpipe.connect(name, connect_timeout=0.02)) == "ERR_CONNECT_TIMEOUT"
    assert code_of(lambda: sealpipe.serve(name, directory="/nowhere")) == "ERR_LISTEN_FAILED"
    assert code_of(lambda: sealpipe.connect(name, typo=1)) == "ERR_INVALID_OPTION"  # type: ignore[call-arg]
    assert "sealpipe" not in {thread.name for thread in threading.enumerate()}


def test_a_client_that_is_made_at_once_takes_what_shall_go_out_first() -> None:
    name = fresh_name()
    with sealpipe.create_client(name) as client:
        client.write(1, "first")
        with sealpipe.serve(name) as server:
            assert server.read(timeout=10).text == "first"
            client.destroy()
            assert client.status == "closed"
            server.destroy(RuntimeError("enough"))
            assert server.status == "error"


def test_a_connection_that_is_destroyed_is_gone() -> None:
    name = fresh_name()
    with sealpipe.serve(name) as server, sealpipe.connect(name, connect_timeout=10):
        connection = server.accept(timeout=10)
        connection.destroy()
        assert code_of(lambda: connection.read(timeout=10)) == "ERR_CLOSED"
        assert server.accept(timeout=10) is not connection


def run_python(code: str, *, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=timeout, check=False
    )


def test_a_process_that_ends_without_closing_sends_what_it_wrote_and_leaves_no_socket() -> None:
    name, other = fresh_name(), fresh_name()
    with sealpipe.serve(name) as server:
        code = (
            f"import sealpipe; server = sealpipe.serve({other!r})\n"
            f"client = sealpipe.connect({name!r}, connect_timeout=10); client.write(1, 'last words')"
        )
        result = run_python(code)
        assert (result.returncode, result.stderr) == (0, "")
        assert server.read(timeout=10).text == "last words"
    assert not pathlib.Path(f"/tmp/{other}.sock").exists()


def test_an_interrupt_ends_a_read_and_loses_nothing() -> None:
    name = fresh_name()
    code = f"""
import os, sealpipe, signal, threading
with sealpipe.connect({name!r}, connect_timeout=10) as client:
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        client.read()
    except KeyboardInterrupt:
        client.write(1, "interrupted")
    assert client.read(timeout=10).text == "answer"
"""
    with sealpipe.serve(name) as server, ThreadPoolExecutor() as threads:
        running = threads.submit(run_python, code)
        message = server.read(timeout=20)
        assert message.text == "interrupted"
        message.connection.write(1, "answer")
        result = running.result(20)
        assert (result.returncode, result.stderr) == (0, "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_child_is_told_that_its_parents_client_is_not_its_own_and_makes_another() -> None:
    name = fresh_name()
    code = f"""
import os, sealpipe
client = sealpipe.connect({name!r}, connect_timeout=10)
if os.fork() == 0:
    try:
        client.write(1, "never")
    except RuntimeError as error:
        assert "connect after the fork" in str(error)
        with sealpipe.connect({name!r}, connect_timeout=10) as own:
            own.write(1, "child")
    os._exit(0)
assert os.wait()[1] == 0
client.write(1, "parent")
client.close()
"""
    with sealpipe.serve(name) as server:
        # From Python 3.12 on a fork beside a thread is warned of, which is what this is about.
        result = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert [server.read(timeout=10).text for _ in range(2)] == ["child", "parent"]
