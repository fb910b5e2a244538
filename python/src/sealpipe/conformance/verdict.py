"""What comes out when a rule is tried."""

from __future__ import annotations


class Open(Exception):
    """Whether the subject holds to the rule could not be found out."""


class Broken(Exception):
    """The subject does something else than the rule says."""


def demand(holds: bool, found: str) -> None:
    if not holds:
        raise Broken(found)
