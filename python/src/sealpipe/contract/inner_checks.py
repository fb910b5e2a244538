"""Checks of what stands in objects and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .compiling import Check, size_checks
from .value import key_of

if TYPE_CHECKING:
    from .compiling import At, Compile, Keywords
    from .finding import Finding


def inner_checks(schema: Keywords, at: At, compile_at: Compile) -> list[Check]:
    properties = ("minProperties", "maxProperties", "properties")
    items = ("minItems", "maxItems", "items")
    return [
        *_required(schema, at),
        *_properties(schema, at, compile_at),
        *_names(schema, at, compile_at),
        *size_checks(schema, at, properties, lambda value: len(value) if isinstance(value, dict) else None),
        *_items(schema, at, compile_at),
        *size_checks(schema, at, items, lambda value: len(value) if isinstance(value, list) else None),
        *([_unique] if schema.get("uniqueItems") is True else []),
    ]


def _required(schema: Keywords, at: At) -> list[Check]:
    if "required" not in schema:
        return []
    required = schema["required"]
    if not isinstance(required, list) or not all(isinstance(key, str) for key in required):
        raise at.within("required").refused("no list of texts")

    def check(value: Any, finding: Finding) -> None:
        for key in required if isinstance(value, dict) else ():
            if key not in value:
                finding.within(key, _missing, None)

    return [check]


def _missing(_: Any, finding: Finding) -> None:
    finding.add("it is missing")


def _taken(_: Any, finding: Finding) -> None: ...


def _properties(schema: Keywords, at: At, compile_at: Compile) -> list[Check]:
    if "properties" not in schema and "additionalProperties" not in schema:
        return []
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise at.within("properties").refused("no object")
    own = {key: compile_at(inner, at.within("properties", key)) for key, inner in properties.items()}
    rest = _further(schema, at, compile_at)

    def check(value: Any, finding: Finding) -> None:
        for key in value if isinstance(value, dict) else ():
            finding.within(key, own.get(key, rest), value[key])

    return [check]


def _further(schema: Keywords, at: At, compile_at: Compile) -> Check:
    further = schema.get("additionalProperties", True)
    if further is True:
        return _taken
    if further is False:
        return lambda _, finding: finding.add("there is no such property")
    return compile_at(further, at.within("additionalProperties"))


def _names(schema: Keywords, at: At, compile_at: Compile) -> list[Check]:
    if "propertyNames" not in schema:
        return []
    names = compile_at(schema["propertyNames"], at.within("propertyNames"))

    def check(value: Any, finding: Finding) -> None:
        for key in value if isinstance(value, dict) else ():
            if not finding.fits(key, names):
                finding.within(key, lambda _, inner: inner.add("no property may have that name"), None)

    return [check]


def _items(schema: Keywords, at: At, compile_at: Compile) -> list[Check]:
    if "items" not in schema and "prefixItems" not in schema:
        return []
    prefix = schema.get("prefixItems", [])
    if not isinstance(prefix, list):
        raise at.within("prefixItems").refused("no list")
    first = [compile_at(each, at.within("prefixItems", index)) for index, each in enumerate(prefix)]
    items = schema.get("items", True)
    rest: Check = (lambda _, finding: finding.add("there is no such item")) if items is False else _taken
    if isinstance(items, dict) or not isinstance(items, bool):
        rest = compile_at(items, at.within("items"))

    def check(value: Any, finding: Finding) -> None:
        for index, each in enumerate(value if isinstance(value, list) else ()):
            if finding.is_full:
                return
            finding.within(index, first[index] if index < len(first) else rest, each)

    return [check]


def _unique(value: Any, finding: Finding) -> None:
    if isinstance(value, list) and len({key_of(each) for each in value}) < len(value):
        finding.add("an item is there twice")
