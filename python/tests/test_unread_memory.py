"""What waits to be read takes no more memory than is counted for it."""

from __future__ import annotations

import tracemalloc

import pytest

from sealpipe.endpoint.messages.message import MessageFrom
from sealpipe.endpoint.reading.inbox import Inbox
from sealpipe.endpoint.reading.read_quota import ReadQuota


@pytest.mark.parametrize("length", [0, 2, 100])
def test_a_waiting_message_takes_no_more_memory_than_is_counted_for_it(length: int) -> None:
    quota = ReadQuota(1)
    inbox: Inbox[MessageFrom[object]] = Inbox()
    connection = object()
    tracemalloc.start()
    try:
        for number in range(10_000):
            # Each as the engine makes it: a number and bytes of its own.
            inbox.deliver(MessageFrom(1_000 + number, bytes([7]) * length, connection), quota)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used <= quota.bytes
