"""Whether every value of one JSON Schema fits another, as far as that is certain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .schema import look_up
from .value import is_number, key_of, text_of

_MAX_DEPTH = 64
"""Deeper than schemas of data are: a description may come from a peer."""
_MAX_COMPARISONS = 20_000

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")


@dataclass(frozen=True)
class _Side:
    schema: Any
    root: Any

    def inner(self, schema: Any) -> _Side:
        return _Side(schema, self.root)


@dataclass(frozen=True)
class _Place:
    left: list[int]
    """How many comparisons: one for the whole, as alternatives within alternatives are many."""
    path: str = ""
    depth: int = 0
    within: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """The pairs of schemas that this stands in: a pair within itself has been reported already."""

    def deeper(self, path: str = "") -> _Place:
        return replace(self, path=self.path + path, depth=self.depth + 1)

    @property
    def name(self) -> str:
        return self.path.removeprefix(".") or "it"


def misfits(sent: Any, taken: Any) -> list[str]:
    """What a sender of values of ``sent`` may send that a receiver of ``taken`` refuses: in words, by place. Empty if
    nothing of the kind is certain. Source: spec/contracts.md, "Changes"."""
    reasons = _compare(_Side(sent, sent), _Side(taken, taken), _Place([_MAX_COMPARISONS]))
    return list(dict.fromkeys(reasons))


def _compare(outer_sent: _Side, outer_taken: _Side, at: _Place) -> list[str]:
    sent_side, taken_side = _followed(outer_sent), _followed(outer_taken)
    at.left[0] -= 1
    if at.depth > _MAX_DEPTH or at.left[0] < 0 or sent_side is None or taken_side is None:
        return []
    sent, taken = sent_side.schema, taken_side.schema
    if taken is False:
        return [] if sent is False else [f"{at.name} is refused"]
    if not isinstance(sent, dict) or not isinstance(taken, dict):
        return []
    pair = (id(sent), id(taken))
    if pair in at.within:
        return []
    return _compare_all(sent_side, taken_side, replace(at, within=at.within | {pair}))


def _compare_all(sent_side: _Side, taken_side: _Side, at: _Place) -> list[str]:
    sent, taken = _with_all_of(sent_side.schema), _with_all_of(taken_side.schema)
    alternatives = _alternatives(sent)
    if alternatives:
        return [reason for each in alternatives for reason in _compare(sent_side.inner(each), taken_side, at.deeper())]
    offered = _alternatives(taken)
    if offered:
        found = [_compare(sent_side, taken_side.inner(each), at.deeper()) for each in offered]
        if not all(found):
            return []
        return found[0] if len(found) == 1 else [f"{at.name} fits none of the alternatives"]
    return _compare_keywords(sent_side.inner(sent), taken_side.inner(taken), at)


def _compare_keywords(sent_side: _Side, taken_side: _Side, at: _Place) -> list[str]:
    sent, taken = sent_side.schema, taken_side.schema
    values, own_values = _listed(taken), _listed(sent)
    if values is not None:
        if own_values is None:
            return [f"{at.name} may be any {_type_text(sent['type'])}"] if "type" in sent else []
        known = {key_of(value) for value in values}
        return [f"{at.name} may be {text_of(value)}" for value in own_values if key_of(value) not in known]
    types = _types(taken)
    strangers = [each for each in _types(sent) if types and not _accepts(types, each)]
    if strangers:
        return [f"{at.name} may be {_article(each)}" for each in strangers]
    return [
        *_compare_bounds(sent, taken, at),
        *_compare_objects(sent_side, taken_side, at),
        *_compare_lists(sent_side, taken_side, at),
    ]


def _compare_bounds(sent: dict[str, Any], taken: dict[str, Any], at: _Place) -> list[str]:
    if _listed(sent) is not None:
        return []
    found = [keyword for keyword in (*_LOWER, *_UPPER) if _is_wider(keyword, sent.get(keyword), taken.get(keyword))]
    found += [
        keyword
        for keyword in _SAME
        if keyword in taken and (keyword not in sent or key_of(sent[keyword]) != key_of(taken[keyword]))
    ]
    return [f"{at.name} is not held to {keyword} {text_of(taken[keyword])}" for keyword in found]


def _is_wider(keyword: str, mine: Any, theirs: Any) -> bool:
    if not is_number(theirs):
        return False
    if not is_number(mine):
        return True
    return bool(mine < theirs if keyword in _LOWER else mine > theirs)


def _compare_objects(sent_side: _Side, taken_side: _Side, at: _Place) -> list[str]:
    sent, taken = sent_side.schema, taken_side.schema
    if "object" not in _types(sent):
        return []
    own, others = _object(sent.get("properties")), _object(taken.get("properties"))
    always = _list(sent.get("required"))
    reasons = [
        f"{at.deeper(f'.{key}').name} may be missing" for key in _list(taken.get("required")) if key not in always
    ]
    is_closed = taken.get("additionalProperties") is False and "patternProperties" not in taken
    for key, inner in own.items():
        place = at.deeper(f".{key}")
        if key in others:
            reasons += _compare(sent_side.inner(inner), taken_side.inner(others[key]), place)
        elif is_closed:
            reasons.append(f"{place.name} is not expected")
    return reasons + _compare_inner(sent_side, taken_side, "additionalProperties", at.deeper(".*"))


def _compare_lists(sent_side: _Side, taken_side: _Side, at: _Place) -> list[str]:
    first = zip(_list(sent_side.schema.get("prefixItems")), _list(taken_side.schema.get("prefixItems")), strict=False)
    reasons = [
        reason
        for index, (sent, taken) in enumerate(first)
        for reason in _compare(sent_side.inner(sent), taken_side.inner(taken), at.deeper(f"[{index}]"))
    ]
    return reasons + _compare_inner(sent_side, taken_side, "items", at.deeper("[]"))


def _compare_inner(sent_side: _Side, taken_side: _Side, keyword: str, at: _Place) -> list[str]:
    """What holds for all others in it, if both say something of them."""
    sent, taken = sent_side.schema.get(keyword, False), taken_side.schema.get(keyword, False)
    if sent is False or taken is False:
        return []
    return _compare(sent_side.inner(sent), taken_side.inner(taken), at)


def _followed(side: _Side) -> _Side | None:
    """Without its ``$ref``s; ``None`` if that is unknown."""
    current = side.schema
    for _ in range(_MAX_DEPTH):
        if not isinstance(current, dict) or "$ref" not in current:
            return side.inner(current)
        try:
            current = look_up(side.root, str(current["$ref"]))
        except LookupError:
            return None
    return None


def _with_all_of(schema: dict[str, Any]) -> dict[str, Any]:
    parts = [_object(part) for part in _list(schema.get("allOf"))]
    if not parts:
        return schema
    merged: dict[str, Any] = {}
    for part in (*parts, schema):
        merged.update(part)
    everything = (schema, *parts)
    merged["properties"] = {key: inner for part in everything for key, inner in _object(part.get("properties")).items()}
    merged["required"] = [key for part in everything for key in _list(part.get("required"))]
    return merged


def _alternatives(schema: dict[str, Any]) -> list[Any]:
    return _list(schema.get("anyOf", schema.get("oneOf")))


def _listed(schema: dict[str, Any]) -> list[Any] | None:
    """The only values that there are."""
    if isinstance(schema.get("enum"), list):
        return _list(schema["enum"])
    return [schema["const"]] if "const" in schema else None


def _types(schema: dict[str, Any]) -> list[str]:
    """Empty if the schema does not say."""
    if "type" not in schema:
        return list(dict.fromkeys(map(_type_of, _listed(schema) or [])))
    given = schema["type"]
    return [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)]


def _type_of(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _type_text(given: Any) -> str:
    return ",".join(map(str, given)) if isinstance(given, list) else str(given)


def _accepts(types: list[str], one: str) -> bool:
    return one in types or (one == "integer" and "number" in types)


def _article(name: str) -> str:
    if name == "null":
        return name
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
