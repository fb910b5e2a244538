"""The end of interop_end.py on the blocking face: the same commands, each in a thread of its own, and the same lines. A
handler does not learn here that nobody waits for its answer any more."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import sealpipe
from sealpipe import RemoteError, SealpipeError
from tests.support import interop_end as asyncio_end
from tests.support.interop_end import arrived, failed, read_trace, say, sha256, trace_of
from tests.support.interop_traffic import Line, filled
from tests.support.wire import pattern

End = sealpipe.Client | sealpipe.Connection


class Program:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._closing = threading.Event()
        self._server: sealpipe.Server | None = None
        self._end: End | None = None

    def run(self) -> None:
        choices = asyncio_end.choices_of(self._options)
        try:
            if self._options.role == "server":
                self._server = sealpipe.serve(self._options.name, prepare=self._add_handlers, **choices)
                self._start(self._accept, self._server)
            else:
                client = sealpipe.create_client(self._options.name, retry_delay=0.001, max_retry_delay=0.005, **choices)
                self._add_handlers(client)
                client.connected()
                self._use(client)
        except SealpipeError as error:
            say(failed(error))
            sys.exit(1)
        for line in sys.stdin:
            self._start(self._answer, json.loads(line))
        self._close()

    def _add_handlers(self, end: sealpipe.Server | sealpipe.Client) -> None:
        @end.handle(asyncio_end.ECHO_REQUEST)
        def echo(request: sealpipe.Request) -> bytes:
            return request.data

        @end.handle(asyncio_end.FAIL_REQUEST)
        def fail(_: sealpipe.Request) -> None:
            raise RemoteError("NOT_FOUND", "not here", pattern(asyncio_end.FAILURE_BYTES, 4))

        @end.handle(asyncio_end.TRACE_REQUEST)
        def trace(request: sealpipe.Request) -> str:
            return trace_of(request.context)

        @end.handle(asyncio_end.ENDLESS_REQUEST)
        def never(_: sealpipe.Request) -> None:
            say({"event": "begun"})
            self._closing.wait()

        @end.stream(asyncio_end.ECHO_STREAM)
        def echo_items(stream: sealpipe.Stream) -> Iterator[bytes]:
            for item in stream:
                yield item.data

        @end.stream(asyncio_end.TRACE_STREAM)
        def trace_stream(stream: sealpipe.Stream) -> Iterator[str]:
            yield trace_of(stream.context)

        @end.stream(asyncio_end.FAIL_STREAM)
        def fail_stream(_: sealpipe.Stream) -> None:
            raise RemoteError("NOT_FOUND", "not here")

        @end.stream(asyncio_end.FLOOD_STREAM)
        def flood(stream: sealpipe.Stream) -> None:
            number = 0
            try:
                while True:
                    stream.write(filled(number))
                    number += 1
            except SealpipeError as error:
                say({**failed(error), "event": "held", "items": number})
                raise

    def _accept(self, server: sealpipe.Server) -> None:
        with suppress(SealpipeError):
            while True:
                self._use(server.accept())

    def _use(self, end: End) -> None:
        self._end = end
        say(asyncio_end.connected(end))
        self._start(self._read, end)

    def _read(self, end: End) -> None:
        try:
            for message in end:
                if self._options.echo:
                    end.write(message.type, message.data)
                else:
                    say(arrived(message))
            say({"event": "over"})
        except SealpipeError as error:
            say({**failed(error), "event": "over"})

    @staticmethod
    def _start(act: Any, *args: Any) -> None:
        threading.Thread(target=act, args=args, daemon=True).start()

    def _answer(self, command: Line) -> None:
        try:
            answer = self._do(command)
        except SealpipeError as error:
            answer = failed(error)
        say({**answer, "id": command.get("id", 0)})
        if command["do"] == "close":
            os._exit(0)

    def _close(self) -> None:
        self._closing.set()
        closing = self._server or self._end
        if closing is not None:
            closing.close()

    def _do(self, command: Line) -> Line:
        do, type, count = command["do"], command.get("type", 0), command.get("count", 0)
        if do == "close":
            self._close()
            return {"event": "done"}
        end, body = self._end, pattern(command.get("bytes", 0), command.get("seed", 0))
        assert end is not None
        if do == "write":
            end.write(type, body)
        elif do == "sequence":
            for number in range(count):
                end.write(type, filled(number))
        elif do == "flush":
            end.flush()
        elif do == "status":
            return {"event": "is", "status": end.status}
        elif do == "request":
            timeout = command["timeoutMs"] / 1000 if "timeoutMs" in command else None
            answer = end.request(type, body, timeout=timeout, context=read_trace(command.get("trace"))).data
            said = answer[:100].decode("utf-8", "replace")
            return {"event": "answer", "bytes": len(answer), "text": said, "sha256": sha256(answer)}
        elif do == "stream":
            return self._stream(end, command, body)
        else:
            assert do in ("stream-stop", "stream-reset")
            stream = end.open_stream(type)
            for _ in range(count):
                stream.read()
            if do == "stream-stop":
                stream.end()
                stream.stop()
            else:
                stream.reset("ENOUGH", "of it")
        return {"event": "done"}

    @staticmethod
    def _stream(end: End, command: Line, body: bytes) -> Line:
        """Opens one, writes a body in pieces, and hears what comes back."""
        stream = end.open_stream(command["type"], "another library's", context=read_trace(command.get("trace")))

        def write() -> None:
            # What fails here fails the reading thread, too.
            with suppress(SealpipeError):
                for start in range(0, len(body), 32_768):
                    stream.write(body[start : start + 32_768])
                stream.end()

        writing = threading.Thread(target=write)
        writing.start()
        try:
            back = b"".join([item.data for item in stream])
        finally:
            writing.join()
        said = back[:100].decode("utf-8", "replace")
        return {"event": "back", "bytes": len(back), "text": said, "sha256": sha256(back)}


def shake_hands(name: str, rounds: int) -> None:
    """Connects again and again, each time with a message that has to come back."""
    for round in range(rounds):
        try:
            with sealpipe.connect(name, connect_timeout=10) as client:
                client.write(7, str(round))
                assert client.read(timeout=10).text == str(round)
        except SealpipeError as error:
            say(failed(error))
            return
    say({"event": "done", "rounds": rounds})


if __name__ == "__main__":
    if sys.argv[1] == "handshakes":
        shake_hands(sys.argv[2], int(sys.argv[3]))
    else:
        Program(asyncio_end.parse()).run()
