"""JSON texts, and the values that they have."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 256
"""How many lists and objects may stand in each other."""


def parse_value(data: bytes) -> Any:
    """The value of one JSON text; whole numbers are of the type ``int``, however they are written.

    Raises a ValueError for what ``spec/contracts.md`` refuses, under "Data"."""
    text = data.decode("utf-8")
    try:
        value = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"more than {MAX_DEPTH} values stand in each other") from None
    _refuse_hostile(value)
    return value


def encode_value(value: Any) -> bytes:
    """Raises a TypeError or a ValueError for what JSON has no text for."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _number(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number) or not number.is_integer():
        return number
    return int(number) if any(sign in text for sign in ".eE") else int(text)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _refuse_hostile(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        next, depth = waiting.pop()
        if not isinstance(next, dict | list):
            continue
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} values stand in each other")
        if isinstance(next, dict):
            if "__proto__" in next:
                raise ValueError("a key is __proto__")
            next = list(next.values())
        waiting.extend((inner, depth + 1) for inner in next)


def is_number(value: Any) -> bool:
    """Not ``True`` and ``False``, which are numbers in Python, and not what no double can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def key_of(value: Any) -> str:
    """The same text for equal values, and another for others."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{key_of(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(key_of, value)) + "]"
    if is_number(value):
        return repr(float(value) + 0.0)
    return json.dumps(value)


def text_of(value: Any) -> str:
    """As JSON, for people."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
