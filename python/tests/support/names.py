"""Names that nothing else on this machine uses."""

from __future__ import annotations

import itertools
import os
import pathlib

# The runner of the TypeScript tests looks for its own run's prefix.
_PREFIX = f"sealpipe-test-{os.environ.get('SEALPIPE_TEST_RUN', '')[:8]}-py-{os.getpid()}-"
_numbers = itertools.count(1)


def fresh_name() -> str:
    return f"{_PREFIX}{next(_numbers)}"


def leftovers() -> list[str]:
    return [path.name for path in pathlib.Path("/tmp").glob(f"{_PREFIX}*")]
