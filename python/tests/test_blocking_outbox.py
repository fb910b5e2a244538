"""What threads write, on its way to the event loop's thread."""

from __future__ import annotations

import threading

import pytest

from sealpipe import aio

from .support.blocking import pair
from .support.handlers import answering


def test_a_message_that_cannot_be_handed_over_does_not_stop_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    with pair(keepalive_interval=0, handshake_timeout=60) as (server, client):
        connection = server.accept(timeout=20)
        # Without timers that would have it send all the same.
        client.handle(1)(answering(b"answer"))
        take = aio.Client._take
        failed = threading.Event()

        def fail_once(self: aio.Client, type: int, data: bytes) -> None:
            if not failed.is_set():
                failed.set()
                raise MemoryError
            take(self, type, data)

        monkeypatch.setattr(aio.Client, "_take", fail_once)
        client.write(1, b"lost")
        assert failed.wait(20)
        # What leaves without another message that is handed over:
        assert connection.request(1, b"question", timeout=10).data == b"answer"
        client.write(1, b"later")
        assert connection.read(timeout=20).data == b"later"
