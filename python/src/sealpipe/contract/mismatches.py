"""Whether a caller can use the members that an implementer has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .misfits import misfits

if TYPE_CHECKING:
    from .description import DescribedMember, Description


def mismatches(caller: Description, implementer: Description) -> list[str]:
    """Why it cannot, each with the member's name. Source: spec/contracts.md, "Identity" and "Changes"."""
    reasons = []
    for name, member in caller.members.items():
        other = implementer.members.get(name)
        if other is not None:
            reasons += [f"{name}: {what}" for what in _member_misfits(member, other)]
            continue
        stranger = _name_of_number(implementer, member)
        if stranger is not None:
            reasons.append(f'{name}: its number {member.number} is that of "{stranger}"')
    return reasons


def _name_of_number(description: Description, member: DescribedMember) -> str | None:
    """What has the number of a member under another name."""
    for name, other in description.members.items():
        if (other.kind, other.number) == (member.kind, member.number):
            return name
    return None


def _member_misfits(caller: DescribedMember, implementer: DescribedMember) -> list[str]:
    if caller.kind != implementer.kind:
        return [f"its kinds are {' and '.join(sorted((caller.kind, implementer.kind)))}"]
    if caller.number != implementer.number:
        return [f"its numbers are {' and '.join(map(str, sorted((caller.number, implementer.number))))}"]
    compare = {"method": _method_misfits, "stream": _stream_misfits, "event": _event_misfits}.get(caller.kind)
    # A kind from a later version of this library has nothing that can be compared.
    return [] if compare is None else compare(caller, implementer)


def _method_misfits(caller: DescribedMember, implementer: DescribedMember) -> list[str]:
    reasons = _part_misfits("input", _part(caller, "input"), _part(implementer, "input"))
    reasons += _part_misfits("output", _part(implementer, "output"), _part(caller, "output"))
    for code, taken in caller.errors.items():
        if code in implementer.errors:
            sent = implementer.errors[code]
            reasons += _part_misfits(f"the data of {code}", _Part(sent, sent is None), _Part(taken, taken is None))
    return reasons


def _stream_misfits(caller: DescribedMember, implementer: DescribedMember) -> list[str]:
    reasons = _part_misfits("input", _part(caller, "input"), _part(implementer, "input"))
    for key, sender, receiver in (("output", implementer, caller), ("items", caller, implementer)):
        sent, taken = _part(sender, key), _part(receiver, key)
        if (sent.schema is None) != (taken.schema is None):
            reasons.append(f"{key}: one end has a schema, and the other has none")
        else:
            reasons += _part_misfits(key, sent, taken)
    return reasons


def _event_misfits(caller: DescribedMember, implementer: DescribedMember) -> list[str]:
    reasons = []
    for way, sender, receiver in (("to-caller", implementer, caller), ("from-caller", caller, implementer)):
        if not caller.goes(way):
            continue
        if implementer.goes(way):
            reasons += _part_misfits("data", _part(sender, "data"), _part(receiver, "data"))
        else:
            reasons.append(f'the implementer does not know it as "{way}"')
    return reasons


class _Part(NamedTuple):
    schema: Any
    """``None`` if there is nothing."""
    optional: bool


def _part(member: DescribedMember, key: str) -> _Part:
    return _Part(member.parts.get(key), key not in member.parts or key in member.optional)


def _part_misfits(what: str, sent: _Part, taken: _Part) -> list[str]:
    # Whoever has no schema for it does not look at it.
    if taken.schema is None:
        return []
    is_unknown = taken.schema is True or sent.schema is True
    missing = ["it may be missing"] if sent.optional and not taken.optional and not is_unknown else []
    reasons = [] if sent.schema is None else misfits(sent.schema, taken.schema)
    return [f"{what}: {reason}" for reason in (*missing, *reasons)]
