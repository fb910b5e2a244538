"""Checks that are made of JSON Schemas. Source: spec/contracts.md, "Generated code"."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .compiling import At, Check, Keywords
from .inner_checks import inner_checks
from .value_checks import value_checks

if TYPE_CHECKING:
    from .finding import Finding

_CHECKED = """
    $ref $defs type enum const anyOf oneOf allOf contentMediaType properties required additionalProperties
    propertyNames minProperties maxProperties items prefixItems minItems maxItems uniqueItems minimum maximum
    exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern
"""
_DESCRIBING = """
    $schema $id $comment $anchor id title description default examples deprecated readOnly writeOnly format
    contentEncoding definitions
"""
_KNOWN = frozenset(_CHECKED.split() + _DESCRIBING.split())


def compile_schema(schema: Any) -> Check:
    """Raises a ValueError, which says where, for a keyword that cannot be checked."""
    return compile_at(schema, At(schema))


def compile_at(schema: Any, at: At) -> Check:
    if schema is True:
        return _nothing
    if schema is False:
        return lambda _, finding: finding.add("nothing is taken here")
    if not isinstance(schema, dict):
        raise at.refused("no object and no boolean")
    for key in schema:
        if key not in _KNOWN and not key.startswith("x-"):
            raise at.refused(f'the keyword "{key}" cannot be checked')
    return all_of(
        [
            *_reference(schema, at),
            *value_checks(schema, at),
            *inner_checks(schema, at, compile_at),
            *_alternatives(schema, at),
        ]
    )


def _nothing(value: Any, finding: Finding) -> None: ...


def all_of(checks: list[Check]) -> Check:
    def check(value: Any, finding: Finding) -> None:
        for each in checks:
            each(value, finding)

    return check


def _reference(schema: Keywords, at: At) -> list[Check]:
    if "$ref" not in schema:
        return []
    reference = schema["$ref"]
    if not isinstance(reference, str):
        raise at.refused("a $ref that is no text")
    made = at.references.get(reference)
    if made is None:
        made = at.references[reference] = []
        try:
            target = look_up(at.root, reference)
        except LookupError as error:
            raise at.refused(str(error)) from None
        made.append(compile_at(target, replace(at, place=reference.removeprefix("#"))))
    found = made

    def check(value: Any, finding: Finding) -> None:
        # Not there yet while this is made.
        found[0](value, finding)

    return [check]


def look_up(root: Any, reference: str) -> Any:
    """``#``, ``#/$defs/Name`` and the like, in the schema itself. Raises a LookupError."""
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(f'"{reference}" is outside of the schema')
    current = root
    for part in reference.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(current, dict) or key not in current:
            raise LookupError(f'"{reference}" leads to nothing')
        current = current[key]
    return current


def _alternatives(schema: Keywords, at: At) -> list[Check]:
    checks = []
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword not in schema:
            continue
        given = schema[keyword]
        if not isinstance(given, list) or not given:
            raise at.refused(f"{keyword} is a list with something in it")
        made = [compile_at(each, at.within(keyword, index)) for index, each in enumerate(given)]
        checks.append(all_of(made) if keyword == "allOf" else _any_of(made, exactly=keyword == "oneOf"))
    return checks


def _any_of(checks: list[Check], *, exactly: bool) -> Check:
    def check(value: Any, finding: Finding) -> None:
        fitting = 0
        for each in checks:
            fitting += finding.fits(value, each)
            if fitting and not exactly:
                return
        if fitting == 0:
            finding.add("it fits none of the alternatives")
        elif fitting > 1:
            finding.add("it fits more than one of the alternatives")

    return check
