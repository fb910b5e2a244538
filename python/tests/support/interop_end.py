"""One end that other languages' tests talk to: it reads commands as lines of JSON on its standard input and says what
happens in lines of JSON on its standard output. Its commands and lines are those of Go's end."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import sealpipe
from sealpipe import CallerError, RemoteError, SealpipeError, Status, aio
from tests.support.interop_traffic import MESSAGE, REQUEST, STREAM, End, Line, Traffic, filled
from tests.support.wire import pattern

ZERO_TYPE = 99
ECHO_REQUEST, FAIL_REQUEST, ENDLESS_REQUEST, TRACE_REQUEST = 11, 12, 13, 14
ECHO_STREAM, FAIL_STREAM, FLOOD_STREAM, ENDLESS_STREAM, TRACE_STREAM = 21, 22, 23, 24, 25
FAILURE_BYTES = 65_536
"""The most that a failure may have."""


def say(line: Line) -> None:
    # In one piece: threads may say something at the same time.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def failed(error: BaseException) -> Line:
    code = getattr(error, "code", "")
    message = getattr(error, "message", str(error))
    return {"event": "failed", "code": code, "message": message, "sha256": sha256(getattr(error, "data", b""))}


def arrived(message: aio.Message) -> Line:
    data = message.data
    return {"event": "message", "type": message.type, "bytes": len(data), "sha256": sha256(data)}


def say_error(error: SealpipeError) -> None:
    say({**failed(error), "event": "error"})


def say_status(status: Status) -> None:
    say({"event": "status", "status": status})


def say_session_lost(lost: aio.LostSession) -> None:
    say({"event": "session-lost", "count": len(lost.messages)})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def trace_of(context: aio.TraceContext | None) -> str:
    return " " if context is None else f"{context.traceparent} {context.tracestate or ''}"


def read_trace(said: Any) -> aio.TraceContext | None:
    return aio.TraceContext(said["traceparent"], said.get("tracestate")) if said else None


def add_handlers(end: aio.Server | aio.Client, traffic: Traffic) -> None:
    @end.handle(ECHO_REQUEST)
    def echo(request: aio.Request) -> bytes:
        return request.data

    @end.handle(FAIL_REQUEST)
    def fail(_: aio.Request) -> None:
        raise RemoteError("NOT_FOUND", "not here", pattern(FAILURE_BYTES, 4))

    @end.handle(REQUEST)
    def handle(request: aio.Request) -> bytes:
        return traffic.handle(request.data)

    @end.handle(TRACE_REQUEST)
    def trace(request: aio.Request) -> str:
        return trace_of(request.context)

    @end.handle(ENDLESS_REQUEST)
    async def never(_: aio.Request) -> None:
        say({"event": "begun"})
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say({"event": "cancelled"})
            raise

    @end.stream(STREAM)
    @end.stream(ECHO_STREAM)
    async def echo_items(stream: aio.Stream) -> AsyncIterator[bytes]:
        async for item in stream:
            yield item.data

    @end.stream(TRACE_STREAM)
    async def trace_stream(stream: aio.Stream) -> AsyncIterator[str]:
        yield trace_of(stream.context)

    @end.stream(FAIL_STREAM)
    async def fail_stream(_: aio.Stream) -> None:
        raise RemoteError("NOT_FOUND", "not here")

    @end.stream(FLOOD_STREAM)
    async def flood(stream: aio.Stream) -> None:
        number = 0
        while True:
            try:
                await stream.write(filled(number))
            except SealpipeError as error:
                say({**failed(error), "event": "held", "items": number})
                raise
            except asyncio.CancelledError:
                say({**failed(stream.failure or CallerError("ERR_CLOSED", "")), "event": "held", "items": number})
                raise
            number += 1

    @end.stream(ENDLESS_STREAM)
    async def endless(stream: aio.Stream) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say({**failed(stream.failure or CallerError("ERR_CLOSED", "")), "event": "stream-over"})
            raise


def choices_of(options: argparse.Namespace) -> dict[str, Any]:
    """As options of a server or a client."""
    chosen: dict[str, Any] = {
        "profile": options.profile,
        "encryption": options.encryption != "false",
        "application": "interop",
        "application_version": "1",
        "on_error": say_error,
        "on_status": say_status,
        "on_session_lost": say_session_lost,
    }
    if options.directory:
        chosen["directory"] = options.directory
    if options.secret:
        chosen["secret"] = options.secret
    if options.close_timeout_ms:
        chosen["close_timeout"] = options.close_timeout_ms / 1000
    if options.keepalive_ms:
        chosen["keepalive_interval"] = options.keepalive_ms / 1000
        chosen["keepalive_timeout"] = 4 * options.keepalive_ms / 1000
    if options.max_message_bytes:
        chosen["max_message_bytes"] = options.max_message_bytes
        chosen["max_queued_bytes"] = 2 * options.max_message_bytes
    return chosen


def connected(end: End | sealpipe.Client | sealpipe.Connection) -> Line:
    peer = end.peer
    return {
        "event": "connected",
        "profile": end.profile,
        "encrypted": end.encrypted,
        "pid": 0 if peer is None else peer.pid,
        "application": "" if peer is None else peer.application,
    }


class Program:
    """A client, or a server with the client that came last."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._traffic = Traffic()
        self._server: aio.Server | None = None
        self._end: End | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        try:
            if self._options.role == "server":
                await self._serve()
            else:
                await self._connect()
        except SealpipeError as error:
            say(failed(error))
            sys.exit(1)
        await self._obey()

    async def _serve(self) -> None:
        choices = choices_of(self._options)
        if self._options.close_timeout_ms:
            choices["broadcast_grace"] = choices["close_timeout"]
        self._server = await aio.serve(self._options.name, **choices)
        add_handlers(self._server, self._traffic)
        self._start(self._accept(self._server))

    async def _accept(self, server: aio.Server) -> None:
        while True:
            try:
                connection = await server.accept()
            except SealpipeError:
                return
            self._use(connection)

    async def _connect(self) -> None:
        client = aio.create_client(
            self._options.name, retry_delay=0.001, max_retry_delay=0.005, **choices_of(self._options)
        )
        add_handlers(client, self._traffic)
        self._use(await client.connected())

    def _use(self, end: End) -> None:
        self._end = end
        say(connected(end))
        self._start(self._read(end))

    async def _read(self, end: End) -> None:
        try:
            async for message in end:
                if self._options.echo:
                    await self._write_back(end, message)
                elif message.type == MESSAGE:
                    self._traffic.message(message.data)
                else:
                    say(arrived(message))
            say({"event": "over"})
        except SealpipeError as error:
            say({**failed(error), "event": "over"})

    @staticmethod
    async def _write_back(end: End, message: aio.Message) -> None:
        """Also tries what has to be refused."""
        with suppress(CallerError):
            await end.write(0 if message.type == ZERO_TYPE else message.type, message.data)

    def _start(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self._start(self._answer(json.loads(line)))
        if self._server is not None:
            await self._server.close()

    async def _answer(self, command: Line) -> None:
        try:
            answer = await self._do(command)
        except (SealpipeError, asyncio.TimeoutError) as error:
            answer = failed(error)
        say({**answer, "id": command.get("id", 0)})
        if command["do"] == "close":
            sys.stdout.flush()
            os._exit(0)

    async def _do(self, command: Line) -> Line:
        end, do, type = self._end, command["do"], command.get("type", 0)
        count, body = command.get("count", 0), pattern(command.get("bytes", 0), command.get("seed", 0))
        if do == "broadcast":
            assert self._server is not None
            for _ in range(count):
                await self._server.broadcast(type, body, slow="drop")
        elif do == "stop":
            self._traffic.stop()
        elif do == "tally":
            return self._traffic.report()
        elif do == "close":
            closing = self._server or self._end
            if closing is not None:
                await closing.close()
        else:
            assert end is not None
            return await self._do_at(end, command, body)
        return {"event": "done"}

    async def _do_at(self, end: End, command: Line, body: bytes) -> Line:
        do, type, count = command["do"], command.get("type", 0), command.get("count", 0)
        if do == "write":
            await end.write(type, body)
        elif do == "sequence":
            for number in range(count):
                await end.write(type, filled(number))
        elif do == "flush":
            await end.flush()
        elif do == "status":
            return {"event": "is", "status": end.status}
        elif do == "request":
            asked = end.request(type, body, context=read_trace(command.get("trace")))
            timeout = command["timeoutMs"] / 1000 if "timeoutMs" in command else None
            answer = (await asyncio.wait_for(asked, timeout)).data
            said = answer[:100].decode("utf-8", "replace")
            return {"event": "answer", "bytes": len(answer), "text": said, "sha256": sha256(answer)}
        elif do == "stream":
            return await self._stream(end, command, body)
        elif do in ("stream-stop", "stream-reset"):
            stream = await end.open_stream(type)
            for _ in range(count):
                await stream.read()
            if do == "stream-stop":
                stream.end()
                stream.stop()
            else:
                stream.reset("ENOUGH", "of it")
        else:
            assert do == "talk"
            return await self._traffic.talk(end)
        return {"event": "done"}

    @staticmethod
    async def _stream(end: End, command: Line, body: bytes) -> Line:
        """Opens one, writes a body in pieces, and hears what comes back."""
        stream = await end.open_stream(command["type"], "another library's", context=read_trace(command.get("trace")))

        async def write() -> None:
            for start in range(0, len(body), 32_768):
                await stream.write(body[start : start + 32_768])
            stream.end()

        writing = asyncio.ensure_future(write())
        try:
            back = b"".join([item.data async for item in stream])
        finally:
            await asyncio.wait([writing])
        writing.result()
        said = back[:100].decode("utf-8", "replace")
        return {"event": "back", "bytes": len(back), "text": said, "sha256": sha256(back)}


async def shake_hands(name: str, rounds: int) -> None:
    """Connects again and again, each time with a message that has to come back."""
    for round in range(rounds):
        try:
            async with aio.connect(name, connect_timeout=10) as client:
                await client.write(7, str(round))
                assert (await client.read(timeout=10)).text == str(round)
        except SealpipeError as error:
            say(failed(error))
            return
    say({"event": "done", "rounds": rounds})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--name")
    parser.add_argument("--directory")
    parser.add_argument("--profile", default="auto")
    parser.add_argument("--secret")
    parser.add_argument("--encryption", default="true")
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--close-timeout-ms", type=int)
    parser.add_argument("--keepalive-ms", type=int)
    parser.add_argument("--max-message-bytes", type=int)
    return parser.parse_args()


def main() -> None:
    if sys.argv[1] == "handshakes":
        asyncio.run(shake_hands(sys.argv[2], int(sys.argv[3])))
        return
    asyncio.run(Program(parse()).run())


if __name__ == "__main__":
    main()
