"""Of the tests of the blocking face."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

import sealpipe
from sealpipe.blocking import event_loop

from .names import fresh_name


def code_of(act: Callable[[], object]) -> str:
    """The code of the error that ``act`` raises."""
    with pytest.raises(sealpipe.SealpipeError) as caught:
        act()
    return caught.value.code


@contextmanager
def held_thread() -> Generator[None, None, None]:
    """The library's thread does nothing meanwhile."""
    thread = event_loop._shared
    assert thread is not None, "there is no endpoint"
    held, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert goes_on.wait(60)

    thread.post(hold)
    assert held.wait(20)
    try:
        yield
    finally:
        goes_on.set()


@contextmanager
def pair(**options: Any) -> Generator[tuple[sealpipe.Server, sealpipe.Client], None, None]:
    name = fresh_name()
    with (
        sealpipe.serve(name, **options) as server,
        sealpipe.connect(name, connect_timeout=20, **options) as client,
    ):
        yield server, client
