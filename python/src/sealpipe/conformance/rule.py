"""What is asked of a subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .subject import Subject

Level = Literal["must", "should"]
"""Must: without it some peer cannot talk to it. Should: without it a bad peer can harm it."""


@dataclass(frozen=True)
class Rule:
    id: str
    """The heading of spec/protocol.md that it is from, and its name there."""
    level: Level
    says: str
    check: Callable[[Subject], None]
    """Raises a Broken, or what the system says, where the subject does not hold to it."""
    modes: tuple[bool, ...] = (True, False)
    """Encrypted, plain, or both."""


Ruled = list[Rule]


def rule(
    rules: Ruled, id: str, level: Level, says: str, modes: tuple[bool, ...] = (True, False)
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Adds a check to the rules."""

    def add(check: Callable[[Subject], None]) -> Callable[[Subject], None]:
        rules.append(Rule(id, level, says, check, modes))
        return check

    return add
