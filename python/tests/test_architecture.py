"""Who may import whom."""

from __future__ import annotations

import ast
import pathlib
import sys

import pytest

from .support.vectors import ROOT

SOURCE = ROOT / "python/src/sealpipe"
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))

ALLOWED = {
    "errors": set(),
    "protocol": {"errors"},
    "crypto": {"protocol"},
    "transport": {"errors"},
    "endpoint": {"errors", "protocol", "crypto", "transport"},
    "blocking": {"endpoint", "protocol", "transport", "errors"},
    "aio": {"endpoint", "protocol", "transport"},
    "contract": {"aio", "endpoint", "protocol", "errors"},
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


def test_each_file_of_the_protocol_has_the_name_that_it_has_in_typescript() -> None:
    theirs = {
        str(path.relative_to(ROOT / "src").with_suffix("")).replace("-", "_")
        for path in (ROOT / "src/protocol").rglob("*.ts")
    }
    ours = {str(file.with_suffix("")) for file in FILES if part_of(file) == "protocol" and file.stem != "__init__"}
    assert len(ours) > 10
    assert ours <= theirs


def test_no_file_is_a_drawer_for_everything() -> None:
    assert not [file for file in FILES if file.stem in {"util", "utils", "common", "helper", "helpers", "types"}]


def test_the_package_depends_on_cryptography_alone() -> None:
    project = (ROOT / "python/pyproject.toml").read_text()
    assert '\ndependencies = ["cryptography>=42"]\n' in project
