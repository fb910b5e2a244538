"""The commands of process/commands.ts, as far as a server of one client has a use for them."""

from __future__ import annotations

import json
import sys
from typing import Any, Literal, TypedDict

HELLO = b"hello, this is a client that wants to be answered"


class Command(TypedDict, total=False):
    do: str
    name: str
    count: int
    bytes: int
    check: Literal["all", "ends"]


Answer = dict[str, Any]


def tell(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def tell_error(error: BaseException) -> None:
    tell({"error": str(error) or type(error).__name__})


def times_of(times: list[float], elapsed: float) -> Answer:
    """The answer for round trips that took these seconds each."""
    times.sort()
    last = len(times) - 1
    return {
        "elapsedMs": elapsed * 1e3,
        "p50": times[min(last, len(times) // 2)] * 1e6,
        "p99": times[min(last, len(times) * 99 // 100)] * 1e6,
    }
