"""The shared vectors of spec/vectors."""

from __future__ import annotations

import json
import pathlib
from typing import Any

ROOT = pathlib.Path(__file__).parents[3]


def read_vectors(file: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((ROOT / "spec/vectors" / file).read_text())["vectors"]
    assert vectors
    return vectors


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])
