"""A stream of asyncio's as a transport: what Unix sockets and named pipes have in common."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from .transport import TransportHandler

_READ_BYTES = 65_536


class NetTransport(asyncio.Protocol):
    def __init__(self, accepted: Callable[[NetTransport], None] | None = None) -> None:
        self._accepted = accepted
        self._stream: asyncio.Transport
        self._handler: TransportHandler | None = None
        self._early: list[bytes] = []
        """What came before the start, where the loop reads although it was told not to."""
        self._peer_ended = False
        self._ended = False
        self._gone = False
        self._error: Exception | None = None

    # From asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast("asyncio.Transport", transport)
        # So that we are told as soon as everything has left.
        self._stream.set_write_buffer_limits(high=0)
        self._stream.pause_reading()
        if self._accepted is not None:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        if self._handler is not None:
            self._handler.chunk(data)
            return
        self._early.append(data)
        # Python 3.10 begins to read after connection_made whatever that did.
        self._stream.resume_reading()
        self._stream.pause_reading()

    def eof_received(self) -> bool:
        self._peer_ended = True
        if self._handler is not None:
            self._handler.ended()
        # Where there is no half-close, or both sides have ended, the stream closes itself after what is pending.
        return self._stream.can_write_eof() and not self._ended

    def resume_writing(self) -> None:
        if self._handler is not None:
            self._handler.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, BrokenPipeError):
            self._read_out()
        self._gone = True
        self._error = exc
        self._tell_closed()

    # From whoever drives it.

    def start(self, handler: TransportHandler) -> None:
        self._handler = handler
        early, self._early = self._early, []
        for data in early:
            handler.chunk(data)
        if self._peer_ended:
            handler.ended()
        if self._gone:
            asyncio.get_running_loop().call_soon(self._tell_closed)
        else:
            self._stream.resume_reading()

    def write(self, write: bytes) -> None:
        self._stream.write(write)

    @property
    def pending_bytes(self) -> int:
        return 0 if self._gone else self._stream.get_write_buffer_size()

    def pause(self) -> None:
        self._stream.pause_reading()

    def resume(self) -> None:
        self._stream.resume_reading()

    def end(self) -> None:
        self._ended = True
        if self._peer_ended or not self._stream.can_write_eof():
            self._stream.close()
        else:
            self._write_end()

    def end_and_destroy(self) -> None:
        self._ended = True
        # The end first: with something unread, the peer would see a reset instead.
        if self._stream.can_write_eof():
            self._write_end()
        self._stream.close()

    def destroy(self) -> None:
        self._stream.abort()

    def _write_end(self) -> None:
        # A stream whose peer is gone may have no end to write; that it is gone is told in its own way.
        with suppress(OSError):
            self._stream.write_eof()

    def _read_out(self) -> None:
        """A peer that takes nothing any more may have sent something before: a write that fails does not lose it."""
        sock = self._stream.get_extra_info("socket")
        # Where there is none it is a pipe, of which nothing is known to be left.
        with suppress(OSError):
            while sock is not None and (data := os.read(sock.fileno(), _READ_BYTES)):
                self.data_received(data)

    def _tell_closed(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.closed(self._error)
