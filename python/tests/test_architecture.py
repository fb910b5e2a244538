"""Who may import whom."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

import pytest

from .support.vectors import ROOT

SOURCE = ROOT / "python/src/sealpipe"
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "protocol": {"errors"},
    "crypto": {"protocol"},
    "transport": {"errors"},
    "endpoint": {"errors", "protocol", "crypto", "transport"},
    "blocking": {"endpoint", "protocol", "transport", "errors"},
    "aio": {"endpoint", "protocol", "transport"},
    "contract": {"aio", "endpoint", "protocol", "errors"},
    "sidecar": {"__init__", "aio", "endpoint", "errors"},
    "conformance": {"__init__", "crypto", "protocol"},
    "__init__": {"blocking", "endpoint", "protocol", "transport", "errors"},
}
"""For each part of the source, the parts that it may import besides itself."""

NO_IO = {"__future__", "collections", "dataclasses", "enum", "hmac", "math", "re", "struct", "types", "typing"}
"""What the protocol may import: nothing that does I/O, tells the time or is random."""


def part_of(file: pathlib.Path) -> str:
    return file.parts[0].removesuffix(".py")


def imports_of(file: pathlib.Path) -> tuple[set[str], set[str]]:
    """The parts of our own that a file imports, and the modules of others."""
    ours: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(ast.parse((SOURCE / file).read_text())):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            others.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            package = file.parts[: len(file.parts) - node.level]
            module = tuple(node.module.split(".")) if node.module else ()
            targets = [package + module] if package + module else [(alias.name,) for alias in node.names]
            # What is no part of its own is what the package itself has.
            ours |= {target[0] if target[0] in ALLOWED else "__init__" for target in targets}
    return ours, others


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_imports_only_what_its_part_may(file: pathlib.Path) -> None:
    ours, others = imports_of(file)
    assert ours - {part_of(file)} <= ALLOWED[part_of(file)]
    known = set(sys.stdlib_module_names) | {"typing_extensions"}
    assert others - known <= ({"cryptography"} if part_of(file) == "crypto" else set())
    if part_of(file) == "protocol":
        assert others <= NO_IO


def files_imported_by(file: pathlib.Path) -> Iterator[pathlib.Path]:
    """Also for types alone. That to import a module is to import its packages first does not count."""
    for node in ast.walk(ast.parse((SOURCE / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            package = pathlib.Path(*file.parts[: len(file.parts) - node.level])
            module = package.joinpath(*(node.module or "").split("."))
            for alias in node.names:
                candidates = (module / f"{alias.name}.py", module / alias.name / "__init__.py")
                fallback = module / "__init__.py" if (SOURCE / module).is_dir() else module.with_suffix(".py")
                yield next((each for each in candidates if (SOURCE / each).exists()), fallback)


T = TypeVar("T")


def cycle_in(graph: Mapping[T, Collection[T]]) -> list[T]:
    """One, or nothing."""
    done: set[T] = set()
    nothing: list[T] = []

    def visit(node: T, path: tuple[T, ...]) -> list[T]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        cycles = (visit(target, (*path, node)) for target in sorted(graph[node], key=str))
        found = next((cycle for cycle in cycles if cycle), nothing)
        done.add(node)
        return found

    return next((cycle for cycle in (visit(node, ()) for node in graph) if cycle), nothing)


def test_no_file_imports_itself_through_others_not_even_for_a_type() -> None:
    graph = {file: set(files_imported_by(file)) for file in FILES}
    assert sum(map(len, graph.values())) > 500
    assert [str(file) for file in cycle_in(graph)] == []


def test_no_folder_imports_itself_through_others_not_even_for_a_type() -> None:
    # Of folders of which one is in the other, the files have been tried.
    graph: dict[pathlib.Path, set[pathlib.Path]] = {file.parent: set() for file in FILES}
    for file in FILES:
        own = file.parent
        folders = {target.parent for target in files_imported_by(file)}
        graph[own] |= {each for each in folders if own not in (each, *each.parents) and each not in own.parents}
    assert [str(folder) for folder in cycle_in(graph)] == []


def test_a_cycle_is_found() -> None:
    assert cycle_in({1: {2}, 2: {3}, 3: set()}) == []
    assert cycle_in({1: {2}, 2: {3, 4}, 3: set(), 4: {2}}) == [2, 4, 2]
    assert cycle_in({1: {1}}) == [1, 1]


def names_in_typescript(part: str) -> set[str]:
    return {
        str(path.relative_to(ROOT / "src").with_suffix("")).replace("-", "_")
        for path in (ROOT / "src" / part).rglob("*.ts")
    }


def names_in(part: str) -> set[str]:
    return {str(file.with_suffix("")) for file in FILES if part_of(file) == part and file.stem != "__init__"}


def test_each_file_of_the_protocol_has_the_name_that_it_has_in_typescript() -> None:
    ours = names_in("protocol")
    assert len(ours) > 10
    assert ours <= names_in_typescript("protocol")


ONLY_IN_PYTHON = {
    "endpoint/call_options",  # options/call-options.ts: below the options, as LostSession is among those in Python
    "endpoint/requests/cancel_soon",  # of asyncio
}
"""Files of the endpoint that TypeScript's has not."""


def test_each_file_of_the_endpoint_has_the_name_that_it_has_in_typescript() -> None:
    ours = names_in("endpoint")
    assert len(ours) > 10
    assert ours - names_in_typescript("endpoint") == ONLY_IN_PYTHON


def test_no_file_is_a_drawer_for_everything() -> None:
    assert not [file for file in FILES if file.stem in {"util", "utils", "common", "helper", "helpers", "types"}]


def test_the_package_depends_on_cryptography_alone() -> None:
    project = (ROOT / "python/pyproject.toml").read_text()
    assert '\ndependencies = ["cryptography>=42"]\n' in project
