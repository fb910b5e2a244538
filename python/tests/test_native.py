"""The native wire on the asyncio face, with real sockets."""

from __future__ import annotations

import asyncio
import os
import pathlib
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

import sealpipe
from sealpipe import aio
from sealpipe.endpoint.admin.description import decode_description
from sealpipe.endpoint.options import secret_file
from sealpipe.endpoint.options.secret_file import read_secret_file

from .support.handlers import answering, echo
from .support.names import fresh_name
from .support.waiting import until
from .support.wire import pattern

TRACE = aio.TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b")


@asynccontextmanager
async def pair(**options: Any) -> AsyncGenerator[tuple[aio.Server, aio.Client, aio.Connection], None]:
    name = fresh_name()
    client_options: dict[str, Any] = {"connect_timeout": 10, "retry_delay": 0.01, **options}
    async with aio.serve(name, **options) as server, aio.connect(name, **client_options) as client:
        yield server, client, await server.accept(timeout=10)


async def code_of(act: Any) -> str:
    with pytest.raises(sealpipe.SealpipeError) as caught:
        await act
    return caught.value.code


def cut(end: aio.Client | aio.Connection) -> None:
    """Breaks the connection."""
    assert end._link.driver is not None
    end._link.driver._transport.destroy()


class TestMessages:
    async def test_flush_waits_until_everything_is_read(self) -> None:
        async with pair() as (server, client, connection):
            for end, other in ((client, server), (connection, client)):
                await end.write(1, pattern(100_000))
                flushing = asyncio.ensure_future(end.flush())
                await asyncio.sleep(0.05)
                assert not flushing.done()
                assert end.queued_bytes > 100_000
                assert (await other.read(timeout=10)).data == pattern(100_000)
                await asyncio.wait_for(flushing, 10)
                assert end.queued_bytes == 0

    async def test_a_message_that_nobody_read_before_the_close_is_not_acknowledged(self) -> None:
        async with pair() as (_, client, connection):
            await client.write(1, b"unread")
            await until(lambda: connection._life.has_unread)
            connection._claim()
            await connection.close()
            await until(lambda: client.status in ("reconnecting", "connected"))

    async def test_each_end_knows_what_the_other_says_of_itself(self) -> None:
        async with pair(application="my-app", application_version="1.2") as (_, client, connection):
            for peer in (client.peer, connection.peer):
                assert peer is not None
                assert (peer.pid, peer.application, peer.application_version) == (os.getpid(), "my-app", "1.2")

    async def test_many_small_messages_arrive_in_order(self) -> None:
        async with pair() as (server, client, _):

            async def write() -> None:
                for number in range(20_000):
                    await client.write(1 + number, b"x")

            writing = asyncio.ensure_future(write())
            for number in range(20_000):
                assert (await server.read(timeout=10)).type == 1 + number
            await writing

    async def test_a_peer_that_insists_on_another_wire_is_refused(self) -> None:
        name = fresh_name()
        errors: list[str] = []
        async with aio.serve(name, profile="classic") as server:
            assert await code_of(aio.connect(name, profile="native", connect_timeout=10)) == "ERR_PEER_NOT_NATIVE"
            async with aio.connect(name, connect_timeout=10) as client:
                await server.accept(timeout=10)
                assert client.profile == "classic"
                assert await code_of(client.request(1, b"")) == "ERR_PEER_NOT_NATIVE"
                assert await code_of(client.open_stream(1)) == "ERR_PEER_NOT_NATIVE"
                assert await code_of(client.describe()) == "ERR_PEER_NOT_NATIVE"
                assert client.peer is None
        native = aio.serve(fresh_name(), profile="native", on_error=lambda error: errors.append(error.code))
        async with native as server:
            client = aio.create_client(server.name, profile="classic", retry=False)
            await until(lambda: errors == ["ERR_PEER_NOT_NATIVE"])
            await client.close()


class TestResume:
    async def test_a_connection_that_breaks_is_resumed_and_nothing_is_lost(self) -> None:
        statuses: list[str] = []
        async with pair() as (server, client, connection):
            client._on_status = statuses.append
            for number in range(300):
                await client.write(1, str(number))
                await connection.write(2, str(number))
                if number % 100 == 50:
                    cut(client)
                    await until(lambda: statuses.count("connected") == number // 100 + 1)
            for end in (server, client):
                for number in range(300):
                    assert (await end.read(timeout=10)).text == str(number)
            assert server.connections == (connection,)
            assert statuses == ["reconnecting", "connected"] * 3

    async def test_requests_and_streams_go_on_too(self) -> None:
        async with pair() as (server, client, connection):
            going = asyncio.Event()

            @server.handle(1)
            async def answer(request: aio.Request) -> str:
                await going.wait()
                return request.text.upper()

            @server.stream(2)
            async def echo(stream: aio.Stream) -> AsyncIterator[bytes]:
                async for item in stream:
                    yield item.data

            asking = asyncio.ensure_future(client.request(1, "question"))
            stream = await client.open_stream(2)
            await stream.write(b"one")
            item = await stream.read(timeout=10)
            assert item is not None
            cut(client)
            await until(lambda: connection.status == "reconnecting")
            await stream.write(b"two")
            stream.end()
            going.set()
            assert (await asyncio.wait_for(asking, 10)).text == "QUESTION"
            assert [item.data async for item in stream] == [b"two"]

    async def test_a_client_whose_server_is_another_one_is_told_what_may_be_lost(self) -> None:
        name = fresh_name()
        lost: list[aio.LostSession] = []
        first = await aio.serve(name)
        first.handle(1)(never)
        first.stream(2)(never)
        client = await aio.connect(name, connect_timeout=10, retry_delay=0.01, on_session_lost=lost.append)
        await first.accept(timeout=10)
        await client.write(1, b"sent")
        asking = asyncio.ensure_future(client.request(1, b"sent"))
        stream = await client.open_stream(2)
        flushing = asyncio.ensure_future(client.flush())
        await asyncio.sleep(0.05)
        # As if it was killed: it says nothing.
        first.destroy()
        await first.close()
        await until(lambda: client.status == "reconnecting")
        waiting = asyncio.ensure_future(client.request(1, b"unsent"))
        opening = asyncio.ensure_future(client.open_stream(2))
        await client.write(2, b"unsent")
        async with aio.serve(name) as second:

            @second.handle(1)
            def answer(request: aio.Request) -> bytes:
                return request.data

            second.stream(2)(never)
            assert (await second.read(timeout=10)).data == b"unsent"
            assert await code_of(asking) == "ERR_SESSION_LOST"
            assert await code_of(flushing) == "ERR_SESSION_LOST"
            assert await code_of(stream.read()) == "ERR_SESSION_LOST"
            assert (await asyncio.wait_for(waiting, 10)).data == b"unsent"
            assert (await asyncio.wait_for(opening, 10)).type == 2
            [loss] = lost
            assert [message.data for message in loss.messages] == [b"sent"]
            # The one that was opened without a connection belongs to the same session.
            assert loss.streams == (stream, opening.result())
            await client.close()

    async def test_a_server_gives_a_client_up_that_does_not_come_back(self) -> None:
        name = fresh_name()
        lost: list[aio.LostSession] = []
        errors: list[str] = []
        async with aio.serve(
            name, resume_window=0.05, on_session_lost=lost.append, on_error=lambda error: errors.append(error.code)
        ) as server:
            client = await aio.connect(name, connect_timeout=10)
            client.handle(1)(never)
            connection = await server.accept(timeout=10)
            await connection.write(1, b"lost")
            asking = asyncio.ensure_future(connection.request(1, b""))
            await asyncio.sleep(0.02)
            client.destroy()
            await client.close()
            assert await code_of(asking) == "ERR_CONNECTION_LOST"
            await until(lambda: connection.status == "error")
            assert errors == ["ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST"], "it broke, and it is over"
            assert [message.data for message in lost[0].messages] == [b"lost"]
            assert server.connections == ()

    async def test_each_end_is_told_once_of_a_connection_that_breaks_and_is_resumed(self) -> None:
        name = fresh_name()
        errors: dict[str, list[str]] = {"server": [], "client": []}
        async with (
            aio.serve(name, on_error=lambda error: errors["server"].append(error.code)) as server,
            aio.connect(
                name,
                connect_timeout=10,
                retry_delay=0.01,
                on_error=lambda error: errors["client"].append(error.code),
            ) as client,
        ):
            connection = await server.accept(timeout=10)
            # At the server's end, so that it notices before the client is back.
            cut(connection)
            await client.write(1, b"after")
            assert (await server.read(timeout=10)).text == "after"
            assert connection.status == "connected"
        assert errors == {"server": ["ERR_CONNECTION_LOST"], "client": ["ERR_CONNECTION_LOST"]}

    async def test_a_connection_that_is_dropped_by_who_is_told_that_it_broke_is_over(self) -> None:
        name = fresh_name()
        errors: list[str] = []

        def drop(error: sealpipe.SealpipeError) -> None:
            errors.append(error.code)
            for connection in server.connections:
                connection.destroy()

        async with aio.serve(name, on_error=drop) as server:
            client = await aio.connect(name, connect_timeout=10)
            connection = await server.accept(timeout=10)
            client.destroy()
            await client.close()
            await until(lambda: connection.status == "closed")
            assert (errors, server.connections, server._clients._resumable.detached) == (
                ["ERR_CONNECTION_LOST"],
                (),
                (),
            )

    async def test_of_too_many_that_are_gone_those_with_the_least_standing_are_given_up(self) -> None:
        async with aio.serve(fresh_name(), max_detached_sessions=2, max_detached_bytes=100_000) as server:
            clients: list[aio.Client] = []
            for count in (3, 0, 2):
                client = await aio.connect(server.name, connect_timeout=10)
                clients.append(client)
                await server.accept(timeout=10)
                for _ in range(count):
                    await client.write(1, bytes(10_000))
                    await server.read(timeout=10)
                await client.flush()
            connections = server.connections
            for client in clients:
                client.destroy()
                await client.close()
            await until(lambda: [connection.status for connection in connections].count("reconnecting") == 2)
            assert [connection.status for connection in connections] == ["reconnecting", "error", "reconnecting"]
            # More is written to one than is kept.
            await connections[2].write(1, bytes(120_000))
            assert [connection.status for connection in connections] == ["reconnecting", "error", "error"]

    async def test_a_connection_whose_client_is_away_can_be_closed(self) -> None:
        async with aio.serve(fresh_name()) as server:
            client = await aio.connect(server.name, connect_timeout=10)
            connection = await server.accept(timeout=10)
            client.destroy()
            await client.close()
            await until(lambda: connection.status == "reconnecting")
            await connection.close()
            assert connection.status == "closed"
            assert await code_of(connection.request(1, b"")) == "ERR_CLOSED"
            assert await code_of(connection.open_stream(1)) == "ERR_CLOSED"

    async def test_a_client_that_fell_behind_hears_why(self) -> None:
        errors: list[str] = []
        async with aio.serve(fresh_name(), max_queued_bytes=300_000) as server:
            client = await aio.connect(
                server.name,
                connect_timeout=10,
                retry_delay=0.01,
                max_queued_bytes=300_000,
                on_error=lambda error: errors.append(error.code),
            )
            connection = await server.accept(timeout=10)
            while connection.status == "connected":
                asyncio.ensure_future(connection.write(1, bytes(100_000)))  # noqa: RUF006
                await asyncio.sleep(0)
            await until(lambda: len(errors) == 2)
            assert errors == ["ERR_CONNECTION_LOST", "ERR_FELL_BEHIND"]
            await client.close()

    async def test_a_message_that_the_next_server_does_not_accept_is_reported_and_the_others_go_on(self) -> None:
        errors: list[str] = []
        name = fresh_name()
        client = aio.create_client(name, on_error=lambda error: errors.append(error.code))
        await client.write(1, bytes(1_000))
        await client.write(2, b"small")
        asking = asyncio.ensure_future(client.request(1, bytes(1_000)))
        cancelled = asyncio.ensure_future(client.request(1, b"cancelled"))
        await asyncio.sleep(0)
        cancelled.cancel()
        async with aio.serve(name, max_message_bytes=100) as server:
            assert (await server.read(timeout=10)).text == "small"
            assert await code_of(asking) == "ERR_TOO_LARGE_FOR_PEER"
            assert errors == ["ERR_TOO_LARGE_FOR_PEER"]
            await client.close()


class TestRequests:
    async def test_both_ends_ask_and_answer(self) -> None:
        async with pair() as (server, client, connection):

            @server.handle(1)
            async def upper(request: aio.ConnectionRequest) -> str:
                assert request.connection is connection
                await asyncio.sleep(0)
                return request.text.upper()

            @client.handle(1)
            def lower(request: aio.Request) -> str:
                return request.text.lower()

            @server.handle(2)
            def nothing(_: aio.Request) -> None: ...

            assert await client.request(1, "Hello") == aio.Answer(b"HELLO")
            assert (await connection.request(1, "Hello")).text == "hello"
            assert (await client.request(2, b"?")).data == b""
            large = pattern(1_000_000)

            @server.handle_any
            def echo(request: aio.Request) -> bytes:
                return request.data

            assert (await client.request(77, large)).data == large
            asked = await asyncio.gather(*(client.request(3, str(number)) for number in range(1_000)))
            assert [answer.text for answer in asked] == [str(number) for number in range(1_000)]

    async def test_a_handler_of_a_connection_stands_before_the_servers(self) -> None:
        async with pair() as (server, client, connection):
            server.handle(1)(answering("the server's"))
            connection.handle(1)(answering("the connection's"))
            assert (await client.request(1, b"")).text == "the connection's"
            connection._handlers.remove(1)
            assert (await client.request(1, b"")).text == "the server's"
            for type, code in ((1, "ERR_INVALID_ARGUMENT"), (0, "ERR_RESERVED_TYPE")):
                with pytest.raises(sealpipe.CallerError) as caught:
                    server.handle(type)(answering(None))
                assert caught.value.code == code
            with pytest.raises(sealpipe.CallerError):
                server.handle(2)("no function")  # type: ignore[type-var]
            server.handle_any(answering(None))
            with pytest.raises(sealpipe.CallerError, match="of any type"):
                server.handle_any(answering(None))

    async def test_what_a_handler_raises_is_raised_where_it_was_asked(self) -> None:
        class Coded(Exception):
            code = "MY_CODE"

        async with pair() as (server, client, _):
            outcomes: dict[int, BaseException | Any] = {
                1: sealpipe.RemoteError("NOT_FOUND", "not here", b"data"),
                2: ValueError("it is wrong"),
                3: Coded("with a code"),
                4: sealpipe.RemoteError("NOT_FOUND", "too much", bytes(65_537)),
                5: KeyError(),
            }

            @server.handle_any
            async def fail(request: aio.Request) -> Any:
                outcome = outcomes.get(request.type, 5)
                if isinstance(outcome, BaseException):
                    raise outcome
                return outcome

            @server.handle(7)
            def fail_at_once(_: aio.Request) -> None:
                raise ValueError("at once")

            said: list[tuple[str, str, bytes]] = []
            for type in (1, 2, 3, 4, 5, 6, 7):
                with pytest.raises(sealpipe.RemoteError) as caught:
                    await client.request(type, b"")
                said.append((caught.value.code, caught.value.message, caught.value.data))
            assert said == [
                ("NOT_FOUND", "not here", b"data"),
                ("ERR_HANDLER_FAILED", "it is wrong", b""),
                ("MY_CODE", "with a code", b""),
                (
                    "ERR_HANDLER_FAILED",
                    "the handler raised an error NOT_FOUND with 65537 bytes of data, and 65536 is the max",
                    b"",
                ),
                ("ERR_HANDLER_FAILED", "KeyError", b""),
                (
                    "ERR_HANDLER_FAILED",
                    "the handler did not return an answer: data must be a string or bytes, not int",
                    b"",
                ),
                ("ERR_HANDLER_FAILED", "at once", b""),
            ]

    async def test_nobody_handles_it(self) -> None:
        async with pair() as (_, client, __):
            assert await code_of(client.request(1, b"")) == "ERR_NO_HANDLER"
            assert await code_of(client.request(0, b"")) == "ERR_RESERVED_TYPE"
            assert await code_of(client.request(1, 5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]

    async def test_an_answer_that_the_asker_does_not_accept_is_a_failure(self) -> None:
        async with aio.serve(fresh_name()) as server:
            server.handle(1)(answering(bytes(101)))
            async with aio.connect(server.name, connect_timeout=10, max_message_bytes=100) as client:
                assert await code_of(client.request(1, b"")) == "ERR_TOO_LARGE_FOR_PEER"

    async def test_cancelling_a_request_cancels_its_handler(self) -> None:
        async with pair() as (server, client, _):
            begun, cancelled = asyncio.Event(), asyncio.Event()

            @server.handle(1)
            async def never(_: aio.Request) -> None:
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cancelled.set()

            for act in (client.request(1, b""), asyncio.wait_for(client.request(1, b""), 0.05)):
                begun.clear()
                cancelled.clear()
                asking = asyncio.ensure_future(act)
                await asyncio.wait_for(begun.wait(), 10)
                asking.cancel()
                with suppress(asyncio.CancelledError, asyncio.TimeoutError):
                    await asking
                await asyncio.wait_for(cancelled.wait(), 10)

    async def test_a_handler_that_cancels_itself_is_a_failure(self) -> None:
        async with pair() as (server, client, _):

            @server.handle(1)
            async def give_up(_: aio.Request) -> None:
                raise asyncio.CancelledError

            assert await code_of(client.request(1, b"")) == "ERR_HANDLER_FAILED"

    async def test_handlers_end_with_their_connection_and_nothing_is_left(self) -> None:
        ended = 0

        async def never(_: Any) -> None:
            nonlocal ended
            try:
                await asyncio.Event().wait()
            finally:
                ended += 1

        async with pair() as (server, client, connection):
            server.handle(1)(never)
            server.stream(1)(never)
            client.handle(1)(never)
            tasks = [asyncio.ensure_future(end.request(1, b"")) for end in (client, connection)]
            await client.open_stream(1)
            await until(lambda: len(connection._link.handled._running) == 1)
            await until(lambda: len(client._link.handled._running) == 1)
        assert ended == 3
        for task in tasks:
            assert await code_of(task) in ("ERR_CLOSED", "ERR_CONNECTION_LOST")

    async def test_a_handler_may_close_its_own_connection(self) -> None:
        async with pair() as (server, client, connection):

            @server.handle(1)
            async def leave(request: aio.ConnectionRequest) -> None:
                await request.connection.close()

            asking = asyncio.ensure_future(client.request(1, b""))
            await until(lambda: connection.status == "closed")
            await client.close()
            assert await code_of(asking) in ("ERR_CLOSED", "ERR_SESSION_LOST")

    async def test_no_more_handlers_run_at_a_time_than_may(self) -> None:
        async with pair(max_concurrent_requests=2) as (server, client, _):
            running, most = 0, 0

            @server.handle(1)
            async def count(_: aio.Request) -> None:
                nonlocal running, most
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.001)
                running -= 1

            late = asyncio.ensure_future(client.request(1, b""))
            asking = [asyncio.ensure_future(client.request(1, b"")) for _ in range(20)]
            await asyncio.sleep(0)
            asking[10].cancel()
            await asyncio.gather(late, *asking, return_exceptions=True)
            assert most == 2

    async def test_a_trace_goes_with_a_request_and_a_stream(self) -> None:
        async with pair() as (server, client, _):
            contexts: list[aio.TraceContext | None] = []

            @server.handle(1)
            def keep(request: aio.Request) -> None:
                contexts.append(request.context)

            @server.stream(1)
            async def keep_stream(stream: aio.Stream) -> None:
                contexts.append(stream.context)

            for context in (TRACE, None):
                await client.request(1, b"", context=context)
                async for _ in await client.open_stream(1, context=context):
                    pass
            assert contexts == [TRACE, TRACE, None, None]
            for bad in (aio.TraceContext("none"), aio.TraceContext(TRACE.traceparent, "ä"), "none"):
                assert await code_of(client.request(1, b"", context=bad)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]


class TestStreams:
    async def test_items_go_both_ways_in_order(self) -> None:
        async with pair() as (server, client, connection):

            @server.stream(1)
            async def echo(stream: aio.ConnectionStream) -> AsyncIterator[bytes]:
                assert stream.connection is connection
                async for item in stream:
                    yield item.data

            @client.stream(1)
            async def count(stream: aio.Stream) -> AsyncIterator[str]:
                for number in range(int(stream.text)):
                    yield str(number)

            sizes = (0, 1, 64, 16_376, 16_377, 65_536, 130_040, 130_041, 1_000_000)
            async with await client.open_stream(1, "echo") as stream:

                async def write() -> None:
                    for size in sizes:
                        await stream.write(pattern(size))
                    stream.end()

                writing = asyncio.ensure_future(write())
                assert [item.data async for item in stream] == [pattern(size) for size in sizes]
                await writing
                assert await stream.read() is None
            counted = await connection.open_stream(1, "1000")
            assert [item.text async for item in counted] == [str(number) for number in range(1_000)]

    async def test_a_slow_reader_holds_up_its_writer_and_nobody_else(self) -> None:
        async with pair(stream_window_bytes=65_536) as (server, client, _):
            written = 0

            @server.stream(1)
            async def flood(stream: aio.Stream) -> None:
                nonlocal written
                while True:
                    await stream.write(bytes(1_000))
                    written += 1

            server.handle(1)(answering("beside"))
            stream = await client.open_stream(1)
            await until(lambda: written > 50)
            await asyncio.sleep(0.05)
            held = written
            assert held < 200
            assert (await client.request(1, b"")).text == "beside"
            for _ in range(100):
                assert await stream.read(timeout=10) is not None
            await until(lambda: written > held)
            stream.stop()
            stream.end()
            assert await stream.read() is None
            await until(lambda: not server.connections[0]._link.own_streams._handled._running)

    async def test_a_reset_is_raised_at_the_peer_and_cancels_its_handler(self) -> None:
        async with pair() as (server, client, _):
            failures: list[Any] = []

            @server.stream(1)
            async def wait(stream: aio.Stream) -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    failures.append(stream.failure)

            @server.stream(2)
            async def fail(_: aio.Stream) -> None:
                raise sealpipe.RemoteError("NOT_FOUND", "not here")

            stream = await client.open_stream(1)
            with pytest.raises(sealpipe.CallerError):
                stream.reset("small letters")
            stream.reset("ENOUGH", "of it")
            stream.reset("AGAIN")
            await until(lambda: len(failures) == 1)
            assert (failures[0].code, failures[0].message) == ("ENOUGH", "of it")
            assert await code_of(stream.read()) == "ERR_CLOSED"
            assert await code_of(stream.write(b"")) == "ERR_CLOSED"
            assert await code_of((await client.open_stream(2)).read()) == "NOT_FOUND"
            assert await code_of((await client.open_stream(3)).read()) == "ERR_NO_HANDLER"
            with pytest.raises(ZeroDivisionError):
                async with await client.open_stream(1):
                    raise ZeroDivisionError
            await until(lambda: len(failures) == 2)
            assert failures[1].code == "ERR_STREAM_RESET"

    async def test_a_writer_whose_peer_wants_no_more_is_told(self) -> None:
        async with pair() as (server, client, _):
            told: list[str] = []

            @server.stream(1)
            async def flood(stream: aio.Stream) -> None:
                try:
                    while True:
                        await stream.write(b"item")
                        await asyncio.sleep(0)
                except sealpipe.PeerError as error:
                    told.append(error.code)
                    raise

            async for _ in (stream := await client.open_stream(1)):
                break
            stream.stop()
            await until(lambda: told == ["ERR_STREAM_STOPPED"])
            stream.end()
            assert await code_of(stream.write(b"")) in ("ERR_CLOSED", "ERR_STREAM_STOPPED")

    async def test_openings_wait_for_a_place(self) -> None:
        async with pair(max_concurrent_streams=2) as (server, client, _):
            server.stream(1)(echo_all)
            streams = [await client.open_stream(1) for _ in range(2)]
            waiting = [asyncio.ensure_future(client.open_stream(1)) for _ in range(3)]
            await asyncio.sleep(0.02)
            assert not any(opening.done() for opening in waiting)
            waiting[0].cancel()
            streams[0].reset()
            third = await asyncio.wait_for(waiting[1], 10)
            assert not waiting[2].done()
            for stream in (streams[1], third):
                stream.end()
                assert await stream.read(timeout=10) is None
            await asyncio.wait_for(waiting[2], 10)

    async def test_reads_can_time_out_and_be_cancelled_and_lose_nothing(self) -> None:
        async with pair() as (server, client, _):
            server.stream(1)(echo_all)
            stream = await client.open_stream(1)
            assert await code_of(stream.read(timeout=0.01)) == "ERR_READ_TIMEOUT"
            first = asyncio.ensure_future(stream.read())
            second = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            stream._push(aio.Item(b"item", 0))
            first.cancel()
            with suppress(asyncio.CancelledError):
                await first
            item = await asyncio.wait_for(second, 10)
            assert item is not None
            assert item.data == b"item"

    async def test_a_peer_that_gives_credit_and_reads_nothing_is_waited_for(self) -> None:
        async with pair(max_queued_bytes=200_000) as (_, client, connection):
            stream = await client.open_stream(1)
            streams = client._link.session.streams  # type: ignore[union-attr]
            streams._peer = replace(streams._peer, window=10**9)  # type: ignore[union-attr]
            client._link.session.outgoing.streams.window = 0  # type: ignore[union-attr]
            writing = asyncio.ensure_future(stream.write(bytes(300_000)))
            await asyncio.sleep(0.02)
            assert not writing.done()
            client._link.session.outgoing.streams.window = 10**9  # type: ignore[union-attr]
            client._link.driver.flush_soon()  # type: ignore[union-attr]
            await asyncio.wait_for(writing, 10)
            assert connection.status == "connected"

    async def test_writes_that_nobody_waits_for_are_refused_in_the_end(self) -> None:
        async with pair(max_queued_bytes=100_000, stream_window_bytes=65_536) as (_, client, connection):
            connection.stream(1)(never)
            stream = await client.open_stream(1)
            writes = [asyncio.ensure_future(stream.write(bytes(50_000))) for _ in range(10)]
            done, _ = await asyncio.wait(writes, return_when=asyncio.FIRST_EXCEPTION)
            codes = {task.exception().code for task in done if task.exception()}  # type: ignore[union-attr]
            assert codes == {"ERR_QUEUE_FULL"}
            stream.reset()
            await asyncio.wait(writes)

    async def test_a_stream_waits_for_a_handler_that_ignores_that_its_own_is_over(self) -> None:
        async with pair(max_concurrent_streams=1) as (server, client, _):
            over = asyncio.Event()
            handled: list[bytes] = []

            @server.stream(1)
            async def stubborn(stream: aio.Stream) -> None:
                handled.append(stream.data)
                while not over.is_set():
                    with suppress(asyncio.CancelledError):
                        await over.wait()

            @server.handle(1)
            async def is_up(_: aio.Request) -> bytes:
                return b""

            for data in ("first", "dropped while it waits"):
                stream = await client.open_stream(1, data)
                await client.request(1, b"")
                stream.reset()
                await client.request(1, b"")
            third = await client.open_stream(1, "third")
            await client.request(1, b"")
            assert handled == [b"first"]
            over.set()
            assert await third.read(timeout=10) is None
            assert handled == [b"first", b"third"]


class TestTurnsOfTheLoop:
    """A turn costs as much as all else that is done with a small message."""

    async def test_what_a_woken_reader_writes_leaves_in_the_turn_in_which_it_runs(self) -> None:
        async with pair() as (_, client, connection):
            seen = watch_turns(connection)

            async def answer() -> None:
                await connection.read(timeout=10)
                await connection.write(2, b"answer")

            answering = asyncio.ensure_future(answer())
            await asyncio.sleep(0)
            await client.write(1, b"question")
            assert (await client.read(timeout=10)).data == b"answer"
            await answering
            assert seen == ["arrived", "written", "turn over"]

    async def test_what_a_handler_answers_leaves_in_the_turn_in_which_it_runs(self) -> None:
        async with pair() as (server, client, connection):

            @server.handle(1)
            async def answer(request: aio.Request) -> bytes:
                return request.data

            seen = watch_turns(connection)
            assert (await client.request(1, b"question")).data == b"question"
            assert seen == ["arrived", "written", "turn over"]

    async def test_a_handler_that_is_a_function_answers_before_any_other_turn(self) -> None:
        async with pair() as (server, client, connection):
            server.handle(1)(echo)
            seen = watch_turns(connection)
            assert (await client.request(1, b"question")).data == b"question"
            assert seen == ["written", "arrived", "turn over"]

    async def test_what_follows_from_an_answer_leaves_in_the_turn_in_which_it_arrives(self) -> None:
        async with pair() as (server, client, _):
            server.handle(1)(echo)

            async def ask_twice() -> None:
                await client.request(1, b"first")
                seen.clear()
                await client.request(1, b"second")

            asking = asyncio.ensure_future(ask_twice())
            await asyncio.sleep(0)
            seen = watch_turns(client)
            await asking
            assert seen[:2] == ["written", "turn over"]


def watch_turns(end: aio.Client | aio.Connection) -> list[str]:
    """Notes what arrives and what is written at that end, and the ends of the turns in which tasks run that were woken
    by what has arrived."""
    driver = end._link.driver
    assert driver is not None
    seen: list[str] = []
    receive, send = driver.chunk, driver._transport.write

    def watched_chunk(chunk: bytes | memoryview) -> None:
        receive(chunk)
        seen.append("arrived")
        asyncio.get_running_loop().call_soon(seen.append, "turn over")

    def watched_write(write: bytes) -> None:
        seen.append("written")
        send(write)

    driver.chunk = watched_chunk  # type: ignore[method-assign]
    driver._transport.write = watched_write  # type: ignore[method-assign]
    return seen


async def echo_all(stream: aio.Stream) -> AsyncIterator[bytes]:
    async for item in stream:
        yield item.data


async def never(_: Any) -> None:
    await asyncio.Event().wait()


class TestSecrets:
    @pytest.mark.parametrize("secret", ["text ä", bytes(range(32))])
    async def test_ends_with_one_secret_speak_native(self, secret: str | bytes) -> None:
        async with pair(secret=secret) as (server, client, _):
            await client.write(1, b"hello")
            assert (await server.read(timeout=10)).text == "hello"
            assert (client.profile, client.encrypted) == ("native", True)

    async def test_an_end_with_another_secret_or_none_is_refused_at_both_ends(self) -> None:
        others: list[dict[str, Any]] = [{"secret": "b"}, {}]
        for options in others:
            codes: list[str] = []
            async with aio.serve(fresh_name(), secret="a", on_error=lambda error: codes.append(error.code)) as server:
                assert (
                    await code_of(aio.connect(server.name, connect_timeout=10, **options))
                    == "ERR_AUTHENTICATION_FAILED"
                )
                await until(lambda: codes == ["ERR_AUTHENTICATION_FAILED"])

    def test_a_secret_is_shown_nowhere(self) -> None:
        from sealpipe.endpoint.options.parse_options import parse_client_options

        assert "sesame" not in repr(parse_client_options({"secret": "open sesame"}))
        for options in ({"secret": ["sesame"]}, {"secret_file": "sesame"}, {"secret": ""}, {"secret": b"x" * 1025}):
            with pytest.raises(sealpipe.CallerError) as caught:
                parse_client_options(options)
            assert caught.value.code == "ERR_INVALID_OPTION"
            assert "sesame" not in str(caught.value)
        for other in ({"profile": "classic"}, {"encryption": False}, {"secret_file": "/a"}):
            with pytest.raises(sealpipe.CallerError, match="does not go together"):
                parse_client_options({"secret": "a", **other})

    async def test_ends_share_a_file_that_the_first_creates(self, tmp_path: pathlib.Path) -> None:
        file = tmp_path / "secret"
        async with pair(secret_file=str(file)) as (_, client, __):
            assert client.profile == "native"
        assert len(file.read_bytes()) == 32
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["secret"]
        with (
            sealpipe.serve(fresh_name(), secret_file=str(file)) as server,
            sealpipe.connect(server.name, secret_file=str(file), connect_timeout=10) as blocking,
        ):
            assert blocking.profile == "native"

    def test_a_file_that_others_could_have_chosen_is_refused(self, tmp_path: pathlib.Path) -> None:
        def objection(path: pathlib.Path) -> str:
            with pytest.raises(sealpipe.SystemError) as caught:
                read_secret_file(str(path))
            assert caught.value.code == "ERR_SECRET_FILE"
            return caught.value.message

        good = tmp_path / "good"
        good.write_bytes(b"secret")
        good.chmod(0o600)
        assert read_secret_file(str(good)) == b"secret"
        (tmp_path / "link").symlink_to(good)
        assert "symbolic link" in objection(tmp_path / "link")
        good.chmod(0o640)
        assert "its mode is 0640" in objection(good)
        good.chmod(0o600)
        good.write_bytes(b"")
        assert "is empty" in objection(good)
        good.write_bytes(bytes(1025))
        assert "more than 1024" in objection(good)
        assert "is no file" in objection(tmp_path)
        assert "cannot be used" in objection(tmp_path / "missing" / "secret")
        open_to_all = tmp_path / "open"
        open_to_all.mkdir()
        open_to_all.chmod(0o777)
        assert "is not safe" in objection(open_to_all / "secret")
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert "is no file" in objection(tmp_path / "pipe")

    def test_a_file_of_another_user_is_refused(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(secret_file, "own_uid", lambda: 12345)
        status = os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 777, 0, 0, 0, 0, 0))
        assert secret_file._objection_to(status) == "belongs to the user 777"

    def test_a_file_is_made_where_there_are_no_hard_links(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise PermissionError(1, "not permitted")

        monkeypatch.setattr(os, "link", refuse)
        secret = read_secret_file(str(tmp_path / "secret"))
        assert read_secret_file(str(tmp_path / "secret")) == secret
        assert os.listdir(tmp_path) == ["secret"]

    def test_a_file_that_is_removed_again_and_again_is_given_up(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secret_file, "_make_unless_there", answering(None))
        with pytest.raises(sealpipe.SystemError, match="again and again"):
            read_secret_file(str(tmp_path / "secret"))


class TestAdmin:
    async def test_a_server_says_what_it_is_if_it_is_allowed(self) -> None:
        async with pair(application="my-daemon") as (server, client, _):
            assert await code_of(client.describe()) == "ERR_NOT_ALLOWED"
            server.allow_describe()
            server.handle(5)(answering(None))
            server.stream(6)(echo_all)
            description = await client.describe()
            assert (description.application, description.pid) == ("my-daemon", os.getpid())
            assert (description.requests, description.streams, description.connections) == ((5,), (6,), 1)
            assert 0 <= description.uptime < 60
            server.allow_describe(False)
            assert await code_of(client.describe()) == "ERR_NOT_ALLOWED"

    async def test_a_server_shuts_down_when_it_is_asked_to(self) -> None:
        name = fresh_name()
        reasons: list[str] = []
        server = await aio.serve(name)
        client = await aio.connect(name, connect_timeout=10, retry=False)
        assert await code_of(client.shutdown_server()) == "ERR_NOT_ALLOWED"
        assert await code_of(client.shutdown_server("x" * 1025)) == "ERR_INVALID_ARGUMENT"

        @server.allow_shutdown
        async def shut_down(request: aio.ShutdownRequest[aio.Connection]) -> None:
            reasons.append(request.reason)
            await server.close()

        with pytest.raises(sealpipe.CallerError):
            server.allow_shutdown(shut_down)
        with pytest.raises(sealpipe.CallerError):
            server.allow_shutdown(None)  # type: ignore[arg-type]
        await asyncio.gather(client.shutdown_server("an update"), client.shutdown_server("again"))
        await until(lambda: server.status == "closed")
        assert reasons == ["an update"]
        assert await code_of(client.describe()) in ("ERR_CLOSED", "ERR_NOT_CONNECTED")
        await client.close()

    async def test_a_handler_of_shutdowns_that_fails_is_told_to_the_loop(self) -> None:
        async with pair() as (server, client, _):
            told: list[Any] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

            @server.allow_shutdown
            def fail(_: Any) -> None:
                raise ValueError("not now")

            await client.shutdown_server()
            await until(lambda: len(told) == 1)
            assert str(told[0]) == "not now"

    async def test_without_a_connection_there_is_no_server_to_ask(self) -> None:
        client = aio.create_client(fresh_name())
        assert await code_of(client.describe()) == "ERR_NOT_CONNECTED"
        opening = asyncio.ensure_future(client.open_stream(1))
        await asyncio.sleep(0)
        await client.close()
        assert await code_of(opening) == "ERR_CLOSED"
        offline = aio.create_client(fresh_name(), offline_queue=False)
        for act in (offline.request(1, b""), offline.open_stream(1)):
            assert await code_of(act) == "ERR_NOT_CONNECTED"
        await offline.close()

    @pytest.mark.parametrize(
        "change",
        [
            '"pid":1.5',
            '"pid":-1',
            '"library":1',
            '"requests":1',
            '"requests":["a"]',
            '"contracts":[1]',
            '"contracts":[{"name":"a","version":"1","hash":"00"}]',
            '"pid":true',
        ],
    )
    def test_a_description_that_is_none_is_refused(self, change: str) -> None:
        good = (
            '{"library":"a","application":"","applicationVersion":"","codec":"","pid":1,"contracts":'
            '[{"name":"a","version":"1","hash":"' + "0" * 64 + '"}],"requests":[1],"streams":[],"connections":1,'
            '"uptimeMs":1500'
        )
        assert decode_description(good + "}").uptime == 1.5
        assert decode_description(good + "}").contracts[0].name == "a"
        for bad in (f"{good},{change}}}", "[]", "{", "1"):
            with pytest.raises(sealpipe.PeerError) as caught:
                decode_description(bad)
            assert caught.value.code == "ERR_DESCRIPTION_INVALID"
