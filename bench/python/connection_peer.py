"""``multiprocessing.connection`` on a Unix socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener

from peer import BlockingChannel, socket_path


class ConnectionPeer:
    def listen(self, name: str, opened: Callable[[BlockingChannel], None]) -> Callable[[], None]:
        listener = Listener(socket_path(name), "AF_UNIX")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    channel = ConnectionChannel(listener.accept())
                    threading.Thread(target=opened, args=(channel,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.close

    def connect(self, name: str) -> BlockingChannel:
        return ConnectionChannel(Client(socket_path(name), "AF_UNIX"))


class ConnectionChannel:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.send = connection.send_bytes

    def receive(self, handle: Callable[[bytes], None]) -> None:
        receive = self._connection.recv_bytes
        with suppress(EOFError, OSError):
            while True:
                handle(receive())

    def close(self) -> None:
        self._connection.close()
