"""Where a JSON Schema stands while checks are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .finding import Finding

Check = Callable[[Any, Finding], None]
"""Looks at a value, and says what is wrong with it."""

Keywords = dict[str, Any]


@dataclass(frozen=True)
class At:
    """Where a schema stands, and what it is part of."""

    root: Any
    place: str = ""
    references: dict[str, list[Check]] = field(default_factory=dict)
    """What ``$ref`` leads to, made once each: a schema may stand in itself."""

    def within(self, *keys: str | int) -> At:
        return replace(self, place="/".join((self.place, *map(str, keys))))

    def refused(self, what: str) -> ValueError:
        return ValueError(f"in a JSON Schema, at {self.place or 'its root'}: {what}")


Compile = Callable[[Any, At], Check]
"""Makes the check of a schema that stands in another."""


def size_checks(
    schema: Keywords, at: At, words: tuple[str, str, str], size_of: Callable[[Any], int | None]
) -> list[Check]:
    """Of what has a size: a text, a list, an object. ``words``: two keywords, and what is counted."""
    least, most, unit = words
    checks: list[Check] = []
    for keyword in (least, most):
        if keyword not in schema:
            continue
        bound = schema[keyword]
        if not isinstance(bound, int) or isinstance(bound, bool) or bound < 0:
            raise at.within(keyword).refused("no number that it can be")
        checks.append(_sized(size_of, bound, unit, is_least=keyword == least))
    return checks


def _sized(size_of: Callable[[Any], int | None], bound: int, unit: str, *, is_least: bool) -> Check:
    says = f"expected at {'least' if is_least else 'most'} {bound} {unit}"

    def check(value: Any, finding: Finding) -> None:
        size = size_of(value)
        if size is not None and (size < bound if is_least else size > bound):
            finding.add(says)

    return check
