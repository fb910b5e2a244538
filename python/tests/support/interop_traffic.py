"""One end of a conversation without pause, as Go's and TypeScript's ends have it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from sealpipe import SealpipeError, aio

MESSAGE = 1
REQUEST = 2
STREAM = 3
_IN_FLIGHT = 16
"""Requests of one end that have no answer yet."""
_STREAMS_IN_FLIGHT = 4
_LARGE_BYTES = 150_000
"""More than fits into one frame."""

Line = dict[str, Any]
End = aio.Client | aio.Connection


def filled(number: int) -> bytes:
    """A number, and bytes that follow from it: mostly few, now and then more than one frame holds."""
    length = _LARGE_BYTES if number % 500 == 499 else number * 37 % 700
    return number.to_bytes(4, "big") + bytes((number % 251,)) * length


class Traffic:
    """Messages with numbers in order, and requests whose answers are known. Everything that is lost, comes twice, or in
    another order, is a failure."""

    def __init__(self) -> None:
        self._stopped = False
        self._handled: set[int] = set()
        self._counts = {"sent": 0, "received": 0, "asked": 0, "answered": 0, "echoed": 0}
        self._failures: list[str] = []

    def stop(self) -> None:
        self._stopped = True

    def message(self, data: bytes) -> None:
        number = int.from_bytes(data[:4], "big")
        self._expect(number == self._counts["received"], f"got message {number}, not {self._counts['received']}")
        self._expect(data == filled(number), f"got message {number} with other bytes")
        self._counts["received"] = number + 1

    def handle(self, data: bytes) -> bytes:
        number = int.from_bytes(data[:4], "big")
        self._expect(number not in self._handled, f"was asked {number} twice")
        self._expect(data == filled(number), f"was asked {number} with other bytes")
        self._handled.add(number)
        return filled(number + 1)

    async def talk(self, end: End) -> Line:
        """Talks until it is stopped, and until everything has arrived."""
        talking = [self._write(end), *(self._ask(end) for _ in range(_IN_FLIGHT))]
        talking += [self._open_streams(end) for _ in range(_STREAMS_IN_FLIGHT)]
        await asyncio.gather(*map(self._watched, talking))
        await self._watched(end.flush())
        return self.report()

    def report(self) -> Line:
        counts = {**self._counts, "handled": len(self._handled)}
        return {"event": "tally", **counts, "failures": self._failures[:20]}

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            self._failures.append(f"Python {what}")

    async def _watched(self, talk: Any) -> None:
        try:
            await talk
        except SealpipeError as error:
            self._expect(False, f"failed: {error}")

    def _next(self, count: str) -> int:
        self._counts[count] += 1
        return self._counts[count] - 1

    async def _write(self, end: End) -> None:
        while not self._stopped:
            await end.write(MESSAGE, filled(self._next("sent")))
            # A write that finds room gives nobody else a turn.
            await asyncio.sleep(0)

    async def _ask(self, end: End) -> None:
        while not self._stopped:
            number = self._next("asked")
            answer = await end.request(REQUEST, filled(number))
            self._expect(answer.data == filled(number + 1), f"got a wrong answer to {number}")
            self._counts["answered"] += 1

    async def _open_streams(self, end: End) -> None:
        while not self._stopped:
            count = random.randrange(200)
            stream = await end.open_stream(STREAM)
            writing = asyncio.ensure_future(self._write_items(stream, count))
            received = 0
            async for item in stream:
                self._expect(item.data == filled(received), f"got another item than {received}")
                received += 1
            await writing
            self._expect(received == count, f"got {received} items of {count} back")
            self._counts["echoed"] += received

    @staticmethod
    async def _write_items(stream: aio.Stream, count: int) -> None:
        for number in range(count):
            await stream.write(filled(number))
        stream.end()
