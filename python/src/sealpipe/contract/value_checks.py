"""Checks of a value by itself: its type, its bounds, its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .compiling import size_checks
from .value import is_number, key_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .compiling import At, Check, Keywords
    from .finding import Finding

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": is_number,
    "integer": lambda value: is_number(value) and float(value).is_integer(),
}


def value_checks(schema: Keywords, at: At) -> list[Check]:
    return [*_type(schema, at), *_values(schema, at), *_numbers(schema, at), *_texts(schema, at)]


def _type(schema: Keywords, at: At) -> list[Check]:
    if "type" not in schema:
        if schema.get("contentMediaType") == "application/octet-stream":
            raise at.refused("bytes in other data, which JSON does not have")
        return []
    given = schema["type"]
    names = given if isinstance(given, list) else [given]
    for name in names:
        if not isinstance(name, str) or name not in _TYPES:
            raise at.within("type").refused(f"no type {text_of(name)}")
    if not names:
        raise at.within("type").refused("no type at all")
    tests = [_TYPES[name] for name in names]
    message = f"expected {' or '.join(names)}"

    def check(value: Any, finding: Finding) -> None:
        if not any(test(value) for test in tests):
            finding.add(message)

    return [check]


def _values(schema: Keywords, at: At) -> list[Check]:
    checks = []
    if "enum" in schema:
        if not isinstance(schema["enum"], list):
            raise at.within("enum").refused("no list")
        checks.append(_one_of(schema["enum"]))
    if "const" in schema:
        checks.append(_one_of([schema["const"]]))
    return checks


def _one_of(values: list[Any]) -> Check:
    known = {key_of(value) for value in values}
    message = f"expected {' or '.join(map(text_of, values))}"

    def check(value: Any, finding: Finding) -> None:
        if key_of(value) not in known:
            finding.add(message)

    return check


_TOLERANCE = 1e-9
"""How far a quotient may be from a whole number: decimals have no exact binary fractions."""


def _is_multiple(value: float, of: float) -> bool:
    quotient = value / of
    return abs(quotient - round(quotient)) <= _TOLERANCE * max(1.0, abs(quotient))


_BOUNDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", lambda value, bound: value >= bound),
    "maximum": ("at most", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("more than", lambda value, bound: value > bound),
    "exclusiveMaximum": ("less than", lambda value, bound: value < bound),
    "multipleOf": ("a multiple of", _is_multiple),
}


def _numbers(schema: Keywords, at: At) -> list[Check]:
    checks = []
    for keyword, (says, holds) in _BOUNDS.items():
        if keyword not in schema:
            continue
        bound = schema[keyword]
        if not is_number(bound) or (keyword == "multipleOf" and bound <= 0):
            raise at.within(keyword).refused("no number that it can be")
        checks.append(_bounded(bound, holds, f"expected {says} {text_of(bound)}"))
    return checks


def _bounded(bound: float, holds: Callable[[float, float], bool], message: str) -> Check:
    def check(value: Any, finding: Finding) -> None:
        if is_number(value) and not holds(value, bound):
            finding.add(message)

    return check


def _texts(schema: Keywords, at: At) -> list[Check]:
    words = ("minLength", "maxLength", "characters")
    checks = size_checks(schema, at, words, lambda value: len(value) if isinstance(value, str) else None)
    if "pattern" not in schema:
        return checks
    pattern = schema["pattern"]
    if not isinstance(pattern, str):
        raise at.within("pattern").refused("no text")
    try:
        expression = re.compile(_translated(pattern), re.ASCII)
    except re.error as error:
        raise at.within("pattern").refused(f"Python has no such regular expression: {error}") from None

    def check(value: Any, finding: Finding) -> None:
        if isinstance(value, str) and expression.search(value) is None:
            finding.add(f"does not match {pattern}")

    return [*checks, check]


def _translated(pattern: str) -> str:
    """A regular expression of ECMAScript's as Python writes it: there ``$`` is also before a line feed at the end."""
    parts = re.findall(r"\\.|\[(?:\\.|[^\]\\])*\]|.", pattern, re.DOTALL)
    return "".join(r"\Z" if part == "$" else "/" if part == r"\/" else part for part in parts)
