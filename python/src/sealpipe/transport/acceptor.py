"""Accepts the clients of a socket that listens.

Not asyncio's own: if the system has no descriptor for a client, that logs the error thousands of times in a turn.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .address_errors import accept_failed
from .inherited import keep_to_this_process
from .net_transport import NetTransport

if TYPE_CHECKING:
    import socket

    from .transport import ListenOptions

# How many clients may wait to be accepted; past it the system turns them away. Linux takes no more by default.
_BACKLOG = 4_096
# A few in each turn of the event loop, so that open connections go on in between.
_ACCEPTED_IN_A_TURN = 16
# The pause before the next try, in seconds: the client still waits, so the socket would be ready at once.
_PAUSE = 0.2
# Errors of a client that left again, or of the moment: not failures.
_NOTHING_TO_ACCEPT = (BlockingIOError, InterruptedError, ConnectionAbortedError)


class Acceptor:
    """The socket is bound, and belongs to the acceptor from now on."""

    def __init__(self, sock: socket.socket, options: ListenOptions) -> None:
        self._socket = sock
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._pausing: asyncio.TimerHandle | None = None
        self._told = False
        """That clients cannot be accepted was reported, and none has been accepted since."""
        self._connecting: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        sock.listen(_BACKLOG)
        self._resume()

    def close(self) -> None:
        if self._pausing is not None:
            self._pausing.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _resume(self) -> None:
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        try:
            for _ in range(_ACCEPTED_IN_A_TURN):
                client = keep_to_this_process(lambda: self._socket.accept()[0])
                self._told = False
                self._connect(client)
        except _NOTHING_TO_ACCEPT:
            pass
        except OSError as error:
            self._pause(error)

    def _pause(self, error: OSError) -> None:
        self._loop.remove_reader(self._socket)
        self._pausing = self._loop.call_later(_PAUSE, self._resume)
        if not self._told:
            self._told = True
            self._options.failed(accept_failed(error))

    def _connect(self, client: socket.socket) -> None:
        task = self._loop.create_task(self._make_transport(client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _make_transport(self, client: socket.socket) -> None:
        try:
            client.setblocking(False)
            await self._loop.connect_accepted_socket(lambda: NetTransport(self._options.accepted), client)
        except BaseException:
            client.close()
            raise
