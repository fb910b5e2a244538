"""A sidecar that does what it is asked: the same as that of the tests in TypeScript. Arguments: its face; a file for
its process id, beside which it writes why it ends; and how it misbehaves at the start or the end."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "src"))

import sealpipe.aio
import sealpipe.sidecar
import sealpipe.sidecar.aio

OPTIONS: Any = {"application": "test-sidecar", "application_version": "1.0.0"}
# One that ends in order has all the time that a busy machine takes; another one is killed after this.
OPTIONS["drain_timeout"] = 10 if sys.argv[-1] == "" else 0.4
DECIDED = ("directory", "private_directory", "encryption", "profile", "secret", "secret_file", "unmask_permissions")


def exits(status: int) -> None:
    sys.stdout.flush()
    os._exit(status)


def spin() -> None:
    while True:
        pass


def spin_everywhere() -> None:
    for _ in range(2 * (os.cpu_count() or 1)):
        threading.Thread(target=spin, daemon=True).start()


def grandchild() -> str:
    return str(subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).pid)


def talk() -> None:
    for _ in range(1_000):
        sys.stdout.write(("x" * 99 + "\n") * 100)
    sys.stdout.flush()


ASKED: dict[str, Callable[[], Any]] = {
    "pid": lambda: str(os.getpid()),
    "exit": lambda: exits(7),
    "grandchild": grandchild,
    "talk": talk,
}


def tell_end(pid_file: str, why: sealpipe.sidecar.End) -> None:
    said = json.dumps({"by": why.by, "reason": why.reason}, ensure_ascii=False, separators=(",", ":"))
    print(said, flush=True)
    pathlib.Path(f"{pid_file}.end").write_text(said)


def refused(serve: Callable[..., object]) -> None:
    for name in DECIDED:
        try:
            serve(**{name: "a"})
        except sealpipe.CallerError as error:
            assert error.code == "ERR_INVALID_OPTION"
        else:
            raise AssertionError(f"{name} is the parent's to decide")


async def run_asyncio(pid_file: str, how: str) -> None:
    async def on_end(why: sealpipe.sidecar.End) -> None:
        tell_end(pid_file, why)
        if how == "never-drains":
            await asyncio.Event().wait()

    refused(sealpipe.sidecar.aio.serve)
    async with sealpipe.sidecar.aio.serve(on_end, **OPTIONS) as server:

        @server.handle(1)
        async def do(request: sealpipe.aio.Request) -> str | None:
            if request.text == "hang":
                await asyncio.Event().wait()
            if request.text == "block":
                asyncio.get_running_loop().call_later(0.01, spin)
                return "blocked"
            answer: str | None = ASKED[request.text]()
            return answer

        await asyncio.Event().wait()


def run_blocking(pid_file: str, how: str) -> None:
    def on_end(why: sealpipe.sidecar.End) -> None:
        tell_end(pid_file, why)
        if how == "never-drains":
            threading.Event().wait()

    refused(sealpipe.sidecar.serve)

    def do(request: sealpipe.ConnectionRequest) -> str | None:
        if request.text == "hang":
            threading.Event().wait()
        if request.text == "block":
            spin_everywhere()
            return "blocked"
        answer: str | None = ASKED[request.text]()
        return answer

    sealpipe.sidecar.serve(on_end, prepare=lambda server: server.handle(1)(do), **OPTIONS)
    threading.Event().wait()


def main() -> None:
    face, pid_file, how = sys.argv[1:]
    pathlib.Path(pid_file).write_text(str(os.getpid()))
    if how == "never-ready":
        threading.Event().wait()
    if how == "exits":
        print("I have no configuration", file=sys.stderr)
        sys.exit(3)
    if face == "asyncio":
        asyncio.run(run_asyncio(pid_file, how))
    else:
        run_blocking(pid_file, how)


if __name__ == "__main__":
    main()
