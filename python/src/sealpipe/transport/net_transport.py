"""An asyncio stream as a transport: what Unix sockets and named pipes have in common."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from .transport import TransportHandler

# The kernel's struct ucred.
_CREDENTIALS = struct.Struct("3i")
_READ_BYTES = 65_536
_BUFFER_BYTES = 262_144

_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def _buffer_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    """One for all transports of a loop: it is only used from a read to the end of its callback."""
    if loop not in _buffers:
        _buffers[loop] = memoryview(bytearray(_BUFFER_BYTES))
    return _buffers[loop]


class NetTransport(asyncio.BufferedProtocol):
    """The loop reads into a buffer that stays, and what it has read is copied before it reads again.

    By itself it would make a new buffer for each read, which costs ten times as much as to read a small message."""

    def __init__(self, accepted: Callable[[NetTransport], None] | None = None) -> None:
        self._accepted = accepted
        self._stream: asyncio.Transport
        self._handler: TransportHandler | None = None
        self._buffer = _buffer_of(asyncio.get_running_loop())
        self._early: list[bytes] = []
        """Bytes that arrived before the start, if the loop reads although it should not."""
        self._peer_ended = False
        self._ended = False
        self._gone = False
        self._error: Exception | None = None

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast("asyncio.Transport", transport)
        # So that asyncio reports as soon as everything has left.
        self._stream.set_write_buffer_limits(high=0)
        self._stream.pause_reading()
        if self._accepted is not None:
            self._accepted(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received(self._buffer[:nbytes])

    def _received(self, data: bytes | memoryview) -> None:
        if self._handler is not None:
            self._handler.chunk(data)
            return
        self._early.append(bytes(data))
        # Python 3.10 begins to read after connection_made, whatever that did.
        self._stream.resume_reading()
        self._stream.pause_reading()

    def eof_received(self) -> bool:
        self._peer_ended = True
        if self._handler is not None:
            self._handler.ended()
        # Without half-close, or if both sides have ended, the stream closes itself after what is pending.
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

    # Called by the driver.

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
    def peer_pid(self) -> int | None:
        sock = self._stream.get_extra_info("socket")
        if sock is None or not hasattr(socket, "SO_PEERCRED"):
            return None
        pid, _, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        # 0 is a process of another namespace.
        return pid or None

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
        # A stream whose peer is gone may be unable to write an end; asyncio reports separately that it is gone.
        with suppress(OSError):
            self._stream.write_eof()

    def _read_out(self) -> None:
        """A peer that reads nothing any more may have sent something before: a failed write must not lose it."""
        sock = self._stream.get_extra_info("socket")
        # Without a socket it is a pipe, from which nothing can be read.
        with suppress(OSError):
            while sock is not None and (data := os.read(sock.fileno(), _READ_BYTES)):
                self._received(data)

    def _tell_closed(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.closed(self._error)
