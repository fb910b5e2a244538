"""What is wrong with data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .value import encode_value, parse_value

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ISSUES = 32
_MAX_MESSAGE = 256
_MAX_PATH = 16


@dataclass(frozen=True)
class Issue:
    """What is wrong with data, as it is reported to the peer that sent them."""

    message: str
    path: tuple[str | int, ...]
    """Where: names of properties and positions in lists, from the outside in. Empty for the whole."""


class Finding:
    """What is found wrong with a value, and where in it the look is at."""

    def __init__(self, path: tuple[str | int, ...] = ()) -> None:
        self.issues: list[Issue] = []
        self._path = path

    @property
    def is_full(self) -> bool:
        return len(self.issues) >= MAX_ISSUES

    def add(self, message: str) -> None:
        if not self.is_full:
            self.issues.append(Issue(message[:_MAX_MESSAGE], self._path))

    def within(self, key: str | int, check: Callable[[Any, Finding], None], value: Any) -> None:
        """Looks at what has that key."""
        before = self._path
        self._path = (*before, key)
        check(value, self)
        self._path = before

    def fits(self, value: Any, check: Callable[[Any, Finding], None]) -> bool:
        """For one of several alternatives: what it finds is not yet found wrong."""
        apart = Finding(self._path)
        check(value, apart)
        return not apart.issues


def issues_text(issues: tuple[Issue, ...]) -> str:
    """For people: the first of them."""
    if not issues:
        return "it does not fit"
    place = ".".join(map(str, issues[0].path))
    return f"{place}: {issues[0].message}" if place else issues[0].message


def encode_issues(issues: tuple[Issue, ...], max_bytes: int) -> bytes:
    """As many of them as fit."""
    data = encode_value([{"message": issue.message, "path": issue.path} for issue in issues])
    if len(data) <= max_bytes or len(issues) == 1:
        return data
    return encode_issues(issues[: len(issues) // 2], max_bytes)


def received_issues(data: bytes) -> tuple[Issue, ...]:
    """What a peer says that is wrong, as far as it says it in the right form."""
    try:
        value = parse_value(data)
    except ValueError:
        return ()
    issues = []
    for each in value[:MAX_ISSUES] if isinstance(value, list) else ():
        message = each.get("message") if isinstance(each, dict) else None
        if isinstance(message, str):
            path = each.get("path")
            keys = path[:_MAX_PATH] if isinstance(path, list) else ()
            plain = tuple(key if isinstance(key, int) and not isinstance(key, bool) else str(key) for key in keys)
            issues.append(Issue(message[:_MAX_MESSAGE], plain))
    return tuple(issues)
