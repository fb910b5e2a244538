"""JSON Schemas are checked and compared as the vectors say."""

from __future__ import annotations

from typing import Any

import pytest

from sealpipe.contract.finding import Finding
from sealpipe.contract.misfits import misfits
from sealpipe.contract.schema import compile_schema
from sealpipe.contract.value import parse_value

from .support.vectors import name_of, read_vectors

DATA = read_vectors("contract-data.json")
CHANGES = read_vectors("contract-changes.json")


@pytest.mark.parametrize("vector", DATA, ids=map(name_of, DATA))
def test_data_fit_their_schema(vector: dict[str, Any]) -> None:
    finding = Finding()
    compile_schema(vector["schema"])(parse_value(vector["data"].encode()), finding)
    found = sorted(repr((list(issue.path), issue.message)) for issue in finding.issues)
    assert found == sorted(repr((issue["path"], issue["message"])) for issue in vector["issues"])


@pytest.mark.parametrize("vector", CHANGES, ids=map(name_of, CHANGES))
def test_schemas_are_compared(vector: dict[str, Any]) -> None:
    assert sorted(misfits(vector["sent"], vector["taken"])) == sorted(vector["reasons"])
