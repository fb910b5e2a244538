"""A contract's description. Source: spec/contracts.md, "Description"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .value import parse_value

_MAX_NUMBER = 4_294_967_294
_DIRECTIONS = ("to-caller", "from-caller", "both")
_PARTS = ("input", "output", "items", "data")


@dataclass(frozen=True)
class DescribedMember:
    kind: str
    number: int
    direction: str
    parts: dict[str, Any]
    """JSON Schemas of what there is: ``input``, ``output``, ``items``, ``data``."""
    errors: dict[str, Any]
    """JSON Schemas, or ``None`` for an error without data."""
    optional: tuple[str, ...] = ()

    def goes(self, way: str) -> bool:
        return self.direction in (way, "both")


@dataclass(frozen=True)
class Description:
    name: str
    version: str
    codec: str
    members: dict[str, DescribedMember] = field(default_factory=dict)


def parse_description(data: bytes) -> Description:
    """Raises a ValueError for what is none."""
    value = parse_value(data)
    if not isinstance(value, dict) or value.get("sealpipe") != "contract/1":
        raise ValueError('it is no description of a contract: "sealpipe" is not "contract/1"')
    for key in ("name", "version", "codec"):
        if not isinstance(value.get(key), str):
            raise ValueError(f"a contract's description has no {key}")
    members = value.get("members")
    if not isinstance(members, dict):
        raise ValueError("a contract's description has no members")
    parsed = {name: _parse_member(name, member) for name, member in members.items()}
    return Description(value["name"], value["version"], value["codec"], parsed)


def _parse_member(name: str, value: Any) -> DescribedMember:
    member = value if isinstance(value, dict) else {}
    kind, number = member.get("kind"), member.get("number")
    if not isinstance(kind, str) or not isinstance(number, int) or not 1 <= number <= _MAX_NUMBER:
        raise ValueError(f'"{name}" has no kind, or no number')
    direction = member.get("direction", "")
    if kind == "event" and direction not in _DIRECTIONS:
        raise ValueError(f'"{name}" has no direction')
    optional = member.get("optional", [])
    if not isinstance(optional, list):
        raise ValueError(f'"{name}" has an "optional" that is no list')
    errors = member.get("errors", {})
    if not isinstance(errors, dict):
        raise ValueError(f'"{name}" has errors that are no object')
    parts = {key: member[key] for key in _PARTS if key in member}
    for key, schema in (*parts.items(), *((code, schema) for code, schema in errors.items() if schema is not None)):
        if not isinstance(schema, dict | bool):
            raise ValueError(f'"{name}" has a {key} that is no JSON Schema')
    return DescribedMember(kind, number, str(direction), parts, errors, tuple(map(str, optional)))
