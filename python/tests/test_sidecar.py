"""The parts of a sidecar. Whole ones, with real parents, are tried by test/sidecar."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

import sealpipe.sidecar
import sealpipe.sidecar.aio
from sealpipe.sidecar import process
from sealpipe.sidecar.hand_over import HandOver, decode_hand_over
from sealpipe.sidecar.lease import Lease
from sealpipe.sidecar.options import parse_sidecar_options

from .support.blocking import code_of
from .support.vectors import ROOT

HANDED = {"sealpipe": "sidecar/1", "name": "n", "secret": base64.b64encode(b"s3").decode()}


def line_of(**members: Any) -> bytes:
    """``...`` for one that is left out."""
    return json.dumps({key: value for key, value in {**HANDED, **members}.items() if value is not ...}).encode()


def test_a_hand_over_is_decoded() -> None:
    assert decode_hand_over(line_of()) == HandOver("n", None, b"s3", None)
    assert decode_hand_over(line_of(directory="/d", group=2, more=1)) == HandOver("n", "/d", b"s3", 2)
    assert "s3" not in repr(decode_hand_over(line_of()))


@pytest.mark.parametrize(
    "line",
    [
        None,
        b"",
        b"hello",
        b"[]",
        b"1e999999",
        b"\xff",
        b"[" * 60_000,
        line_of(sealpipe="sidecar/2"),
        line_of(sealpipe=...),
        line_of(name=...),
        line_of(name=5),
        line_of(name=None),
        line_of(secret=...),
        line_of(secret=""),
        line_of(secret="!"),
        line_of(secret="é"),
        line_of(secret=[]),
        line_of(directory="relative"),
        line_of(directory=None),
        line_of(directory=5),
        line_of(group=0),
        line_of(group=1),
        line_of(group=-5),
        line_of(group=2.5),
        line_of(group=True),
        line_of(group=2**31),
        line_of(group="2"),
        line_of(group=None),
    ],
)
def test_what_is_no_hand_over_is_refused_and_its_secret_not_shown(line: bytes | None) -> None:
    with pytest.raises(sealpipe.SystemError) as caught:
        decode_hand_over(line)
    assert caught.value.code == "ERR_NO_PARENT"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_what_the_parent_decides_and_what_is_out_of_range_is_refused() -> None:
    for name in ("directory", "private_directory", "encryption", "profile", "secret", "secret_file"):
        decided: dict[str, Any] = {name: None}
        assert code_of(lambda: sealpipe.sidecar.aio.serve(**decided)) == "ERR_INVALID_OPTION"
    wrong: list[dict[str, Any]] = [
        {"unmask_permissions": False},
        {"drain_timeout": 0},
        {"drain_timeout": None},
        {"hand_over_timeout": "1"},
        {"hand_over_timeout": 2**31},
        {"max_message_bytes": 0},
        {"strange": 1},
    ]
    for options in wrong:
        assert code_of(lambda: sealpipe.sidecar.serve(**options)) == "ERR_INVALID_OPTION"
    assert code_of(lambda: sealpipe.sidecar.serve(5)) == "ERR_INVALID_OPTION"  # type: ignore[arg-type]
    assert code_of(lambda: sealpipe.sidecar.serve(prepare=5)) == "ERR_INVALID_OPTION"  # type: ignore[arg-type]
    parsed = parse_sidecar_options({"application": "a", "drain_timeout": 2}, None)
    assert (parsed.server, parsed.hand_over_timeout, parsed.drain_timeout) == ({"application": "a"}, 10, 2)


@contextmanager
def leased() -> Generator[tuple[Lease, int], None, None]:
    """A lease whose time to drain is not over before the tests are, and its parent's end of the input."""
    reader, writer = os.pipe()
    lease = Lease(3_600, reader)
    lease.release()
    try:
        yield lease, writer
    finally:
        lease.ended.result(20)
        os.close(reader)


def test_a_lease_lasts_until_the_input_ends() -> None:
    with leased() as (lease, writer):
        os.write(writer, b"fir")
        os.write(writer, b"st\nsecond\n")
        assert lease.line.result(20) == b"first"
        os.write(writer, b"third\n" * 1_000)
        assert not lease.ended.done()
        os.close(writer)


def test_an_input_without_a_line_is_no_lease() -> None:
    with leased() as (lease, writer):
        os.write(writer, b"half a line")
        os.close(writer)
        assert lease.line.result(20) is None


def test_a_line_without_end_is_not_kept() -> None:
    with leased() as (lease, writer):
        writing = threading.Thread(target=os.write, args=(writer, b"x" * 200_000))
        writing.start()
        assert lease.line.result(20) == b""
        writing.join(20)
        os.close(writer)


def test_an_input_that_cannot_be_read_has_ended(tmp_path: pathlib.Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    lease = Lease(3_600, directory)
    lease.release()
    assert lease.line.result(20) is None
    lease.ended.result(20)
    os.close(directory)


def test_the_channels_directory_is_this_users_alone(tmp_path: pathlib.Path) -> None:
    process.make_private(str(tmp_path / "new"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    # One that is there already will do.
    process.make_private(str(tmp_path / "new"))
    (tmp_path / "open").mkdir(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "new")
    (tmp_path / "file").touch(0o700)
    for name in ("open", "link", "file"):
        assert code_of(lambda: process.make_private(str(tmp_path / name))) == "ERR_ADDRESS_UNTRUSTED"
    assert code_of(lambda: process.make_private(str(tmp_path / "none" / "new"))) == "ERR_LISTEN_FAILED"


PROGRAM = """
import asyncio, sys
import sealpipe.sidecar, sealpipe.sidecar.aio
async def twice(**options):
    for _ in range(2):
        try:
            await sealpipe.sidecar.aio.serve(**options)
        except sealpipe.SystemError as error:
            print(error)
def thrice(**options):
    try:
        sealpipe.sidecar.serve(**options)
    except sealpipe.SystemError as error:
        print(error)
    asyncio.run(twice(**options))
"""


def run(last: str, **options: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + last],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python/src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        **options,
    )
    assert done.stderr == ""
    return str(done.stdout)


def test_there_is_one_try_to_take_over_the_channel() -> None:
    said = run("thrice()", input="hello\n").splitlines()
    assert ["is no hand-over" in said[0], "already" in said[1], "already" in said[2]] == [True] * 3


@pytest.mark.parametrize("face", ["thrice", "asyncio.run(twice"])
def test_a_parent_that_hands_over_nothing_is_not_waited_for(face: str) -> None:
    reader, writer = os.pipe()
    try:
        last = f"{face}(hand_over_timeout=0.01{'))' if 'run' in face else ')'}"
        assert "had no line within 0.01 s" in run(last, stdin=reader).splitlines()[0]
    finally:
        os.close(reader)
        os.close(writer)


def test_output_that_nobody_reads_any_more_is_dropped() -> None:
    program = "from sealpipe.sidecar.process import outlive_readers\nimport sys\noutlive_readers()\n"
    program += "print('é', flush=True)\nsys.stdin.readline()\nprint('x' * 100000)\nsys.stdout.flush()\nsys.exit(3)\n"
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python/src"), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "é\n".encode()
    child.stdout.close()
    _, errors = child.communicate(b"on\n", timeout=60)
    assert (child.returncode, errors) == (3, b"")
