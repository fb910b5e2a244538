"""Real peers: programs on golang-ipc and on the TypeScript library, which take the same commands.

interop/go/README.md has the commands.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from .lines_process import LinesProcess
from .vectors import ROOT


@dataclass(frozen=True)
class PeerKind:
    name: str
    largest_body: int
    """What the peer reads in one piece. golang-ipc v1.0.0 reads a body with a single read."""

    def start(self, role: str, name: str, *, encryption: bool = True, extra: tuple[str, ...] = ()) -> LinesProcess:
        return LinesProcess(*self._program(), role, "--name", name, f"--encryption={str(encryption).lower()}", *extra)

    def _program(self) -> tuple[str, ...]:
        if self.name == "typescript":
            require("node")
            dist = ROOT / "dist/index.js"
            assert dist.exists(), "the TypeScript library is built: npm run build"
            return "node", str(ROOT / "python/tests/interop/peer.js")
        return (build_go_peer(self.name.removeprefix("golang-ipc ")),)

    def __str__(self) -> str:
        return self.name


PEERS = [
    PeerKind("golang-ipc v1.2.4", 3_145_728),
    PeerKind("golang-ipc v1.0.0", 32_000),
    PeerKind("typescript", 3_145_728),
]
NEWEST_GO = PEERS[0]


@functools.cache
def lacks(command: str) -> bool:
    return shutil.which(command) is None


def require(command: str) -> None:
    """A toolchain that is missing skips its tests, or fails them where SEALPIPE_REQUIRE_TOOLCHAINS is set."""
    if not lacks(command):
        return
    reason = f"{command} is not installed: these tests are skipped"
    if os.environ.get("SEALPIPE_REQUIRE_TOOLCHAINS"):
        pytest.fail(reason)
    pytest.skip(reason)


@functools.cache
def build_go_peer(version: str) -> str:
    """Builds the Go program on that release. Quick when Go has built it before."""
    return _build("interop/go/" + version, ".", f"peer-{version}")


@functools.cache
def build_go_end() -> str:
    """Builds the Go library's end."""
    return _build("go", "./internal/interop", "go-end")


def _build(module: str, package: str, name: str) -> str:
    require("go")
    directory = ROOT / "build/interop"
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    # Built aside and moved: others build at the same time, and one that runs cannot be written to.
    fresh = f"{program}.{os.getpid()}"
    subprocess.run(["go", "build", "-o", fresh, package], cwd=ROOT / module, check=True)
    os.replace(fresh, program)
    return str(program)
