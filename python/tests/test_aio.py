"""The asyncio face, with real sockets."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import pytest

import sealpipe
from sealpipe import aio

from .support.names import fresh_name
from .support.raw_peer import connect_plainly, connect_raw
from .support.waiting import until
from .support.wire import PLAIN_WIRE, SERVER_PUBLIC_KEY, frame, uint32

modes = pytest.mark.parametrize("encryption", [True, False], ids=["encrypted", "plain"])


@asynccontextmanager
async def pair(**options: Any) -> AsyncGenerator[tuple[aio.Server, aio.Client, aio.Connection], None]:
    name = fresh_name()
    async with aio.serve(name, **options) as server, aio.connect(name, connect_timeout=10, **options) as client:
        yield server, client, await server.accept(timeout=10)


async def code_of(act: Any) -> str:
    with pytest.raises(sealpipe.SealpipeError) as caught:
        await act
    return caught.value.code


@modes
@pytest.mark.parametrize("profile", ["classic", "native"])
async def test_messages_go_both_ways(encryption: bool, profile: str) -> None:
    async with pair(encryption=encryption, profile=profile) as (server, client, connection):
        await client.write(5, "Grüße")
        message = await server.read()
        assert (message.type, message.text, message.connection) == (5, "Grüße", connection)
        for data in (b"bytes", bytearray(b"bytes"), memoryview(b"bytes")):
            await connection.write(6, data)
            assert await client.read() == aio.Message(6, b"bytes")
        assert (client.encrypted, connection.encrypted) == (encryption, encryption)
        assert (client.status, connection.status, server.status) == ("connected", "connected", "listening")
        assert (client.profile, connection.profile, server.connections) == (profile, profile, (connection,))
    assert (client.status, connection.status, server.status) == ("closed", "disconnected", "closed")


async def test_a_client_can_be_awaited_as_well() -> None:
    name = fresh_name()
    server = await aio.serve(name)
    client = await aio.connect(name, connect_timeout=10)
    assert (client.name, server.name, client.address) == (name, name, server.address)
    await client.close()
    await client.close()
    await server.close()
    assert await code_of(client.write(1, b"")) == "ERR_CLOSED"
    assert await code_of(client.flush()) == "ERR_CLOSED"
    assert await code_of(client.read()) == "ERR_CLOSED"
    assert await code_of(server.read()) == "ERR_CLOSED"
    assert await code_of(server.accept()) == "ERR_CLOSED"
    assert await code_of(server.broadcast(1, b"")) == "ERR_CLOSED"


async def test_a_bad_name_or_option_is_refused_before_anything_is_awaited() -> None:
    for act in (aio.serve, aio.connect, aio.create_client):
        with pytest.raises(sealpipe.CallerError):
            act("no/slashes")
        with pytest.raises(sealpipe.CallerError):
            act("a", typo=1)  # type: ignore[call-arg]


async def test_what_cannot_be_written_is_refused_and_nothing_is_sent() -> None:
    async with pair(max_message_bytes=10) as (server, client, connection):
        for end in (client, connection, server):
            write = end.broadcast if isinstance(end, aio.Server) else end.write
            assert await code_of(write(0, b"")) == "ERR_RESERVED_TYPE"
            assert await code_of(write(-1, b"")) == "ERR_TYPE_OUT_OF_RANGE"
            assert await code_of(write(1, b"x" * 11)) == "ERR_MESSAGE_TOO_LARGE"
            assert await code_of(write(1, 5)) == "ERR_INVALID_ARGUMENT"  # type: ignore[arg-type]
            assert await code_of(write(1, "\ud800")) == "ERR_INVALID_ARGUMENT"
        await client.write(1, "good")
        assert (await server.read()).text == "good"


async def test_many_clients_each_get_their_own_answer_and_every_broadcast() -> None:
    name = fresh_name()
    async with aio.serve(name) as server:
        clients = await asyncio.gather(*(aio.connect(name, connect_timeout=10)._start() for _ in range(20)))
        for number, client in enumerate(clients):
            await client.write(1, str(number))
        for _ in clients:
            message = await server.read(timeout=10)
            await message.connection.write(2, message.text + "!")
        assert [(await client.read(timeout=10)).text for client in clients] == [f"{n}!" for n in range(20)]
        await server.broadcast(3, "all")
        assert {(await client.read(timeout=10)).text for client in clients} == {"all"}
        for client in clients:
            await client.close()


async def test_a_loop_over_a_connection_gets_its_messages_alone_and_ends_with_it() -> None:
    name = fresh_name()
    async with aio.serve(name) as server:
        async with (
            aio.connect(name, connect_timeout=10) as one,
            aio.connect(name, connect_timeout=10) as other,
        ):
            await one.write(1, "one")
            first, second = await server.accept(), await server.accept()
            await other.write(1, "other")
            assert (await server.read(timeout=10)).text in ("one", "other")
            await one.write(1, "one again")
            await other.write(1, "other again")
            texts: list[str] = []
            for connection in (first, second):
                async for message in connection:
                    texts.append(message.text)
                    if message.text.endswith("again"):
                        break
            assert texts[-1] == "other again"
        assert [message async for message in first] == []
        assert await code_of(first.read()) == "ERR_CLOSED"
        assert first.status == "disconnected"
        # What is written to a client that has left is dropped.
        await first.write(1, b"late")
        assert await code_of(first.write(0, b"")) == "ERR_RESERVED_TYPE"
        assert await code_of(first.flush()) == "ERR_CLOSED"


async def test_a_client_that_left_something_to_read_can_still_be_accepted() -> None:
    name = fresh_name()
    async with aio.serve(name) as server:
        async with aio.connect(name, connect_timeout=10) as client:
            await client.write(1, "and gone")
        async with aio.connect(name, connect_timeout=10):
            pass
        await until(lambda: not server.connections)
        connection = await server.accept()
        assert [message.text async for message in connection] == ["and gone"]
        assert await code_of(server.accept(timeout=0)) == "ERR_READ_TIMEOUT"


async def test_a_read_that_times_out_or_is_cancelled_loses_no_message() -> None:
    async with pair() as (server, client, _):
        assert await code_of(client.read(timeout=0)) == "ERR_READ_TIMEOUT"
        assert await code_of(client.read(timeout=0.01)) == "ERR_READ_TIMEOUT"
        assert await code_of(client.read(timeout=-1)) == "ERR_INVALID_OPTION"
        assert await code_of(server.accept(timeout=True)) == "ERR_INVALID_OPTION"
        reading = asyncio.ensure_future(client.read())
        await asyncio.sleep(0)
        # The message and the cancelling come before the read has gone on.
        client._inbox.deliver(aio.Message(1, b"not lost"), client._life._quota)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await client.read(timeout=10)).text == "not lost"


async def test_an_accept_that_is_cancelled_loses_no_client() -> None:
    async with pair() as (server, _, connection):
        accepting = asyncio.ensure_future(server.accept())
        await asyncio.sleep(0)
        server._accepting.popleft().set_result(connection)
        accepting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await accepting
        assert await server.accept(timeout=0) is connection


async def test_reads_that_wait_are_ended_by_a_close() -> None:
    async with pair() as (server, client, connection):
        waiting = [asyncio.ensure_future(end.read()) for end in (client, connection, server)]
        accepting = asyncio.ensure_future(server.accept())
        await asyncio.sleep(0)
        await server.close()
        assert [await code_of(read) for read in (*waiting[1:], accepting)] == ["ERR_CLOSED"] * 3
        await client.close()
        assert await code_of(waiting[0]) == "ERR_CLOSED"


async def test_what_was_written_before_a_close_arrives() -> None:
    name = fresh_name()
    async with aio.serve(name) as server:
        client = await aio.connect(name, connect_timeout=10)
        for number in range(100):
            await client.write(1, bytes(10_000) + str(number).encode())
        await client.close()
        received = [(await server.read(timeout=10)).data[10_000:] for _ in range(100)]
        assert received == [str(number).encode() for number in range(100)]


async def test_a_reader_that_stops_stops_the_writer() -> None:
    async with pair(max_queued_bytes=100_000, profile="classic") as (server, client, _):
        written = 0

        async def write() -> None:
            nonlocal written
            while True:
                await client.write(1, bytes(1_000))
                written += 1

        writing = asyncio.ensure_future(write())
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.1)
        # Both queues and what the kernel holds, which is about 200 KiB.
        assert 100 < written < 1_000
        while written < 2 * before:
            assert len((await server.read(timeout=10)).data) == 1_000
        writing.cancel()


async def test_writers_that_do_not_wait_for_each_other_are_refused_when_the_queue_is_full() -> None:
    async with pair(max_queued_bytes=100_000) as (_, client, __):
        writes = [asyncio.ensure_future(client.write(1, bytes(50_000))) for _ in range(50)]
        done = await asyncio.wait_for(asyncio.wait(writes, return_when=asyncio.FIRST_EXCEPTION), 10)
        [error] = {task.exception().code for task in done[0] if task.exception() is not None}  # type: ignore[union-attr]
        assert error == "ERR_QUEUE_FULL"
        for write in writes:
            write.cancel()
        await asyncio.wait(writes)
        client.destroy()


@pytest.mark.parametrize("slow", ["drop", "wait"])
async def test_a_broadcast_that_may_skip_nobody_drops_a_client_that_does_not_read(
    slow: Literal["drop", "wait"],
) -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    async with aio.serve(name, encryption=False, max_queued_bytes=100_000, on_error=errors.append) as server:
        peer = await connect_plainly(server.address)
        await server.accept(timeout=10)
        broadcasting: asyncio.Future[None] | None = None
        while server.connections:
            # Nobody waits for room here.
            broadcasting = asyncio.ensure_future(server.broadcast(1, bytes(50_000), slow=slow))
            await asyncio.sleep(0)
        assert broadcasting is not None
        await asyncio.wait_for(broadcasting, 10)
        await peer.gone()
    assert [error.code for error in errors] == ["ERR_QUEUE_FULL"]


async def test_a_broadcast_skips_a_client_that_does_not_read_counts_and_holds_up_nobody() -> None:
    errors: list[sealpipe.SealpipeError] = []
    options = {"encryption": False, "max_queued_bytes": 100_000, "broadcast_grace": 0.05, "on_error": errors.append}
    # Natively a message waits until it is read, not only until it has left.
    async with aio.serve(fresh_name(), profile="classic", **options) as server:  # type: ignore[arg-type]
        peer = await connect_plainly(server.address)
        slow = await server.accept(timeout=10)
        async with aio.connect(server.name, encryption=False) as reader:
            sent = 0
            while slow.skipped_messages < 3:
                sent += 1
                assert sent < 100
                await asyncio.wait_for(server.broadcast(sent, bytes(50_000)), 10)
                assert (await reader.read(timeout=10)).type == sent
            assert [connection.skipped_messages for connection in server.connections] == [3, 0]
            assert [error.code for error in errors] == ["ERR_QUEUE_FULL"]
            # It reads again: what was written to it arrives, in order, and later broadcasts do as well.
            received = [await peer.message() for _ in range(sent - 3)]
            assert [type for type, _ in received] == list(range(1, sent - 2))
            await asyncio.wait_for(server.broadcast(7, b"again"), 10)
            assert await peer.message() == (7, b"again")
        await peer.gone()


async def test_a_broadcast_waits_for_a_slow_client_its_grace_alone_unless_told_to_wait() -> None:
    options = {"encryption": False, "max_queued_bytes": 10_000_000, "broadcast_grace": 0.05}
    async with aio.serve(fresh_name(), **options) as server:  # type: ignore[arg-type]
        peer = await connect_plainly(server.address)
        slow = await server.accept(timeout=10)
        await asyncio.wait_for(server.broadcast(1, bytes(3_000_000)), 10)
        assert slow.queued_bytes > 2_500_000
        # Its grace is used up: nobody waits for it, until it has read everything.
        await asyncio.wait_for(server.broadcast(2, b""), 10)
        waiting = asyncio.ensure_future(server.broadcast(3, b"", slow="wait"))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        assert [(await peer.message())[0] for _ in range(3)] == [1, 2, 3]
        await asyncio.wait_for(waiting, 10)
        await peer.gone()


async def test_a_broadcast_knows_three_ways_to_treat_a_slow_client() -> None:
    async with aio.serve(fresh_name()) as server:
        assert await code_of(server.broadcast(1, b"", slow="hope")) == "ERR_INVALID_OPTION"  # type: ignore[arg-type]


async def test_a_client_that_does_not_read_is_dropped_and_whoever_writes_to_it_is_told_by_on_error_alone() -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    async with aio.serve(name, encryption=False, max_queued_bytes=100_000, on_error=errors.append) as server:
        peer = await connect_plainly(server.address)
        connection = await server.accept(timeout=10)
        other = await aio.connect(name, encryption=False)
        writes: list[asyncio.Future[None]] = []
        while connection.status == "connected":
            writes.append(asyncio.ensure_future(connection.write(1, bytes(50_000))))
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*writes), 10)
        await connection.write(1, b"late")
        assert await code_of(connection.write(0, b"late")) == "ERR_RESERVED_TYPE"
        await peer.gone()
        await server.broadcast(2, b"to the other")
        assert (await other.read(timeout=10)).data == b"to the other"
        await other.close()
    assert [(error.code, error.fault) for error in errors] == [("ERR_QUEUE_FULL", "peer")]
    assert connection.status == "error"


async def test_on_the_classic_wire_flush_waits_until_everything_has_left() -> None:
    async with pair(profile="classic") as (server, client, connection):
        await client.flush()
        for end in (client, connection):
            await end.write(1, bytes(1_000_000))
            assert end.queued_bytes > 0
            await asyncio.wait_for(end.flush(), 10)
            assert end.queued_bytes == 0
        assert len((await server.read()).data) == 1_000_000


async def test_a_client_comes_back_and_what_was_written_meanwhile_arrives_in_order() -> None:
    name = fresh_name()
    statuses: list[str] = []
    first = await aio.serve(name)
    async with aio.connect(name, connect_timeout=10, on_status=statuses.append) as client:
        connection = await first.accept()
        await first.close()
        assert connection.status == "closed"
        await until(lambda: client.status == "reconnecting")
        for number in range(100):
            await client.write(1, str(number))
        assert client.queued_bytes > 0
        flushing = asyncio.ensure_future(client.flush())
        async with aio.serve(name) as second:
            texts = [(await second.read(timeout=10)).text for _ in range(100)]
            assert texts == [str(number) for number in range(100)]
            await flushing
            await client.close()
    assert statuses == ["connecting", "connected", "reconnecting", "connected", "closing", "closed"]


async def test_a_loop_over_a_client_goes_on_across_reconnects_until_its_own_close() -> None:
    name = fresh_name()
    texts: list[str] = []

    async def read_all(client: aio.Client) -> None:
        async for message in client:
            texts.append(message.text)

    async with aio.serve(name) as first:
        client = await aio.connect(name, connect_timeout=10)
        reading = asyncio.ensure_future(read_all(client))
        await (await first.accept(timeout=10)).write(1, "first")
    async with aio.serve(name) as second:
        await (await second.accept(timeout=10)).write(1, "second")
        await until(lambda: len(texts) == 2)
        await client.close()
    await reading
    assert texts == ["first", "second"]


async def test_without_an_offline_queue_a_write_is_refused_while_there_is_no_connection() -> None:
    statuses: list[str] = []
    client = aio.create_client(fresh_name(), offline_queue=False, on_status=statuses.append)
    assert await code_of(client.write(1, b"")) == "ERR_NOT_CONNECTED"
    await client.close()
    assert statuses == ["connecting", "closing", "closed"]


async def test_a_message_that_is_too_large_for_the_server_that_came_is_told_and_the_others_go_out() -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    client = aio.create_client(name, on_error=errors.append)
    await client.write(1, bytes(20))
    await client.write(2, b"small")
    assert await code_of(client.write(0, b"")) == "ERR_RESERVED_TYPE"
    async with aio.serve(name, max_message_bytes=10) as server:
        assert (await server.read(timeout=10)).data == b"small"
        await client.close()
    assert [error.code for error in errors] == ["ERR_TOO_LARGE_FOR_PEER"]


async def test_a_server_that_is_not_there_is_waited_for_no_longer_than_said() -> None:
    name = fresh_name()
    statuses: list[str] = []
    with pytest.raises(sealpipe.SystemError) as caught:
        await aio.connect(name, connect_timeout=0.05, retry_delay=0.01, on_status=statuses.append)
    assert caught.value.code == "ERR_CONNECT_TIMEOUT"
    assert isinstance(caught.value.__cause__, sealpipe.SystemError)
    assert isinstance(caught.value.__cause__.__cause__, FileNotFoundError)
    assert statuses == ["connecting", "timeout"]


async def test_a_client_that_gave_up_says_so_to_whoever_uses_it() -> None:
    client = aio.create_client(fresh_name(), connect_timeout=0.02)
    reading, flushing = asyncio.ensure_future(client.read()), asyncio.ensure_future(_write_and_flush(client))
    assert await code_of(reading) == "ERR_CONNECT_TIMEOUT"
    assert await code_of(flushing) == "ERR_CONNECT_TIMEOUT"
    with pytest.raises(sealpipe.CallerError) as caught:
        await client.write(1, b"")
    assert caught.value.code == "ERR_CLOSED"
    assert isinstance(caught.value.__cause__, sealpipe.SystemError)
    with pytest.raises(sealpipe.SystemError):
        async for _ in client:
            pass
    await client.close()
    assert client.status == "timeout"


async def _write_and_flush(client: aio.Client) -> None:
    await client.write(1, b"")
    await client.flush()


async def test_a_handshake_that_cannot_go_better_ends_the_client() -> None:
    name = fresh_name()
    errors: list[sealpipe.SealpipeError] = []
    async with aio.serve(name, encryption=False, on_error=errors.append):
        assert await code_of(aio.connect(name)._start()) == "ERR_ENCRYPTION_REQUIRED"
        await until(lambda: errors)
    assert [error.code for error in errors] == ["ERR_ENCRYPTION_REQUIRED"]


async def test_an_end_that_is_destroyed_says_why_to_whoever_waits() -> None:
    reason = RuntimeError("enough")
    async with pair() as (server, client, connection):
        reading = asyncio.ensure_future(connection.read())
        await asyncio.sleep(0)
        connection.destroy(reason)
        with pytest.raises(RuntimeError, match="enough"):
            await reading
        assert connection.status == "error"
        await until(lambda: client.status == "reconnecting")
        client.destroy(reason)
        await client.close()
        server.destroy()
        server.destroy(reason)
        await server.close()
    assert (client.status, server.status) == ("error", "closed")
    assert await code_of(connection.write(1, b"")) == "ERR_CLOSED"


async def test_a_callback_that_raises_harms_nothing() -> None:
    raised: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context["exception"]))

    def broken(_: object) -> None:
        raise ZeroDivisionError

    async with pair(on_status=broken) as (server, client, _):
        await client.write(1, "works")
        assert (await server.read(timeout=10)).text == "works"
    assert raised
    assert {type(error) for error in raised} == {ZeroDivisionError}


class TestBadPeers:
    """Each with a healthy client beside it."""

    @asynccontextmanager
    async def beside(self, **options: Any) -> AsyncGenerator[tuple[aio.Server, list[str]], None]:
        codes: list[str] = []
        name = fresh_name()
        async with (
            aio.serve(name, on_error=lambda error: codes.append(error.code), **options) as server,
            aio.connect(name, connect_timeout=10, encryption=False) as healthy,
        ):
            connection = await server.accept(timeout=10)
            yield server, codes
            await healthy.write(1, "healthy")
            assert (await connection.read(timeout=10)).text == "healthy"
            # Where hardly anything may wait, the write returns once this is read.
            _, answer = await asyncio.gather(connection.write(2, "answer"), healthy.read(timeout=10))
            assert answer.text == "answer"

    async def test_one_that_hangs_up_at_each_byte_of_the_handshake_harms_nobody(self) -> None:
        async with self.beside() as (server, codes):
            whole = b"\0" + SERVER_PUBLIC_KEY
            for cut in (0, 1, 2, 50, 97, 98):
                peer = await connect_raw(server.address)
                await peer.hear(2)
                await peer.say(whole[:cut])
                await peer.gone()
            await until(lambda: len(codes) == 6)
            assert set(codes) <= {"ERR_CONNECTION_LOST"}

    async def test_one_that_sends_nonsense_is_told_and_dropped(self) -> None:
        async with self.beside(encryption=False) as (server, codes):
            for nonsense, code in (
                (b"\7", "ERR_HANDSHAKE_REJECTED"),
                (b"\0\0\0\0\0\0", "ERR_FRAME_TOO_SHORT"),
                (b"\0\0\xff\xff\xff\xff", "ERR_PEER_MESSAGE_TOO_LARGE"),
                (b"\0\0\0\0\0\5ab", "ERR_CONNECTION_LOST"),
            ):
                codes.clear()
                peer = await connect_raw(server.address)
                await peer.say(nonsense)
                peer.writer.write_eof()
                await peer.hear_end()
                await peer.gone()
                await until(lambda: codes == [code])

    async def test_one_that_says_nothing_or_stops_within_a_frame_runs_out_of_time(self) -> None:
        async with self.beside(encryption=False, handshake_timeout=0.05, frame_timeout=0.05) as (server, codes):
            silent = await connect_raw(server.address)
            assert await silent.hear_end() == b"\2\0"
            slow = await connect_plainly(server.address)
            await slow.say(b"\0")
            await slow.hear_end()
            await silent.gone()
            await slow.gone()
            await until(lambda: sorted(codes) == ["ERR_FRAME_TIMEOUT", "ERR_HANDSHAKE_TIMEOUT"])

    async def test_many_that_say_nothing_keep_nobody_out(self) -> None:
        async with self.beside(max_pending_handshakes=4) as (server, codes):
            silent = [await connect_raw(server.address) for _ in range(20)]
            async with aio.connect(server.name, connect_timeout=10):
                await server.accept(timeout=10)
            assert set(codes) == {"ERR_TOO_MANY_HANDSHAKES"}
            for peer in silent:
                await peer.gone()

    async def test_no_more_clients_than_allowed_are_served(self) -> None:
        async with self.beside(encryption=False, max_connections=2) as (server, codes):
            second = await connect_plainly(server.address)
            await server.accept(timeout=10)
            third = await connect_raw(server.address)
            assert await third.hear_end() == b""
            assert codes == ["ERR_TOO_MANY_CONNECTIONS"]
            await third.gone()
            await second.gone()

    async def test_one_that_takes_nothing_after_a_close_is_dropped_in_time(self) -> None:
        async with self.beside(encryption=False, close_timeout=0.1) as (server, codes):
            peer = await connect_plainly(server.address)
            connection = await server.accept(timeout=10)
            for _ in range(2):
                asyncio.ensure_future(connection.write(1, bytes(1_000_000)))  # noqa: RUF006
            await asyncio.sleep(0)
            await asyncio.wait_for(connection.close(), 10)
            assert codes == ["ERR_CLOSE_TIMEOUT"]
            await peer.gone()

    async def test_one_that_has_ended_its_side_and_reads_on_slowly_is_dropped_in_time(self) -> None:
        async with self.beside(encryption=False, close_timeout=0.3, max_queued_bytes=40_000_000) as (server, codes):
            peer = await connect_plainly(server.address)
            connection = await server.accept(timeout=10)
            for _ in range(300):
                asyncio.ensure_future(connection.write(1, bytes(100_000)))  # noqa: RUF006
            await asyncio.sleep(0)
            peer.writer.write_eof()
            heard = 0
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    heard += len(await peer.hear(1_000))
                    await asyncio.sleep(0.001)
            assert heard < 15_000_000
            assert codes == []
            await peer.gone()

    async def test_what_one_had_sent_before_it_died_is_read_though_a_write_fails_first(self) -> None:
        async with self.beside(encryption=False, max_queued_bytes=1) as (server, _):
            peer = await connect_plainly(server.address)
            connection = await server.accept(timeout=10)
            for text in (b"1", b"2", b"3"):
                await peer.say(PLAIN_WIRE.message(1, text))
            await until(lambda: connection._life.has_unread)
            await peer.gone()
            await connection.write(1, b"into the void")
            assert [(await connection.read(timeout=10)).text for _ in range(3)] == ["1", "2", "3"]

    async def test_a_client_whose_server_breaks_off_within_a_message_is_told_and_tries_again(self) -> None:
        name = fresh_name()
        errors: list[sealpipe.SealpipeError] = []

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"\2\0" + frame(uint32(10)) + PLAIN_WIRE.message(1, b"whole") + b"\0\0")
            await writer.drain()
            writer.close()

        path = f"/tmp/{name}.sock"
        listener = await asyncio.start_unix_server(serve, path)
        async with aio.connect(name, encryption=False, connect_timeout=10, on_error=errors.append) as client:
            for _ in range(3):
                assert (await client.read(timeout=10)).text == "whole"
        listener.close()
        pathlib.Path(path).unlink(missing_ok=True)
        assert {error.code for error in errors} == {"ERR_CONNECTION_LOST"}
