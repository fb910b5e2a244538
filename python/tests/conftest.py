from __future__ import annotations

import asyncio
import inspect
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from .support.names import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

settings.register_profile("tests", deadline=None, database=None, max_examples=100, derandomize=True)
settings.register_profile("long", deadline=None, database=None, max_examples=20_000)
settings.load_profile(os.environ.get("SEALPIPE_HYPOTHESIS_PROFILE", "tests"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine on an event loop of its own: asyncio's, or that of its argument ``loop``."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    _runner(str(arguments.get("loop", "asyncio")))(_leaving_no_task(pyfuncitem.obj(**arguments)))
    return True


def _runner(loop: str) -> Callable[[Coroutine[Any, Any, None]], None]:
    if loop == "asyncio":
        return asyncio.run
    # Windows has none.
    import uvloop

    return uvloop.run


async def _leaving_no_task(test: Coroutine[Any, Any, None]) -> None:
    await test
    # What has just ended may still have its last step to go.
    for _ in range(5):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"the test left tasks behind: {left}"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    threads = [thread.name for thread in threading.enumerate() if thread.name == "sealpipe"]
    assert not threads, "the test left the thread of the blocking face behind"
    assert leftovers() == [], "the test left files behind"
