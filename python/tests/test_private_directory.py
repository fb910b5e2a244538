"""A socket in a private directory, where anybody can rename and remove what is there."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import sealpipe
from sealpipe.transport import trust
from sealpipe.transport.address import Address, resolve_address
from sealpipe.transport.private_directory import hold_directory

from .support.names import fresh_name
from .support.vectors import ROOT, name_of, read_vectors

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can be another user, and only Linux has the remedy"
)

OTHER_UID = 65_534


@pytest.fixture
def directory() -> Iterator[pathlib.Path]:
    """As Kubernetes mounts it at /tmp."""
    above = pathlib.Path(f"/tmp/{fresh_name()}")
    above.mkdir(mode=0o755)
    path = above / "tmp"
    path.mkdir()
    path.chmod(0o777)
    yield path
    shutil.rmtree(above)


def address_in(directory: pathlib.Path) -> Address:
    return resolve_address("my-app", str(directory), private_to=os.geteuid())


def put(found: dict[str, str], path: pathlib.Path) -> None:
    beside = path.parent.parent / "beside"
    kind = found["kind"]
    if kind == "directory":
        path.mkdir()
    elif kind == "file":
        path.touch()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    else:
        if kind == "link":
            beside.mkdir(mode=0o700)
        path.symlink_to(beside)
    if not kind.endswith("link"):
        path.chmod(int(found["mode"], 8))
    if found["owner"] == "other":
        os.lchown(path, OTHER_UID, OTHER_UID)


@pytest.mark.parametrize("vector", read_vectors("private-directory.json"), ids=name_of)
def test_a_private_directory_is_made_used_or_refused(vector: dict[str, Any], directory: pathlib.Path) -> None:
    directory.chmod(int(vector["in"], 8))
    address = address_in(directory)
    path = directory / "sealpipe-0"
    if "found" in vector:
        put(vector["found"], path)
    if vector["outcome"] == "refused":
        says = re.escape(f"the private directory {path} {vector['says']};")
        with pytest.raises(sealpipe.SystemError, match=says) as refused, hold_directory(address):
            pass
        assert refused.value.code == "ERR_ADDRESS_UNTRUSTED"
        return
    if vector["outcome"] == "made":
        with pytest.raises(FileNotFoundError), hold_directory(address, makes=False):
            pass
    with hold_directory(address) as held:
        assert f"{path.stat().st_mode & 0o777:04o}" == vector["mode"]
        assert path.stat().st_uid == 0
        path.rename(f"{path}-moved")
        pathlib.Path(held.path).touch()
        trust.check_directory_own(held)
    assert os.listdir(f"{path}-moved") == ["my-app.sock"]


def test_it_is_named_by_the_user() -> None:
    for directory, around in (("/tmp", "/tmp"), ("/tmp//", "/tmp"), ("/", "")):
        address = resolve_address("a", directory, private_to=7, platform="linux")
        assert address.path == f"{around}/sealpipe-7/a.sock"


def test_the_whole_way_is_checked_where_no_descriptor_is_a_path(directory: pathlib.Path) -> None:
    with hold_directory(address_in(directory), descriptors="/nowhere") as held:
        assert held.path == f"{directory}/sealpipe-0/my-app.sock"
        with pytest.raises(sealpipe.SystemError, match="others can write"):
            trust.check_directory_own(held)
        directory.chmod(0o1777)
        trust.check_directory_own(held)


@pytest.mark.parametrize("mode", [0o777, 0o2777, 0o775, 0o1777])
def test_both_ends_meet_there(directory: pathlib.Path, mode: int) -> None:
    directory.chmod(mode)
    options = {"directory": str(directory), "private_directory": True}
    client = sealpipe.create_client("my-app", **options)  # type: ignore[arg-type]
    with sealpipe.serve("my-app", address_check_interval=0.01, **options) as server, client:  # type: ignore[arg-type]
        assert server.address == f"{directory}/sealpipe-0/my-app.sock"
        client.write(1, "early")
        assert server.read(timeout=20).text == "early"
        with pytest.raises(sealpipe.SystemError, match=r"sealpipe-0/my-app\.sock is in use"):
            sealpipe.serve("my-app", **options)  # type: ignore[arg-type]
        # Others move it away: the socket is put back in a new one.
        (directory / "sealpipe-0").rename(directory / "moved")
        with sealpipe.connect("my-app", **options) as second:  # type: ignore[arg-type]
            second.write(1, "found")
            assert server.read(timeout=20).text == "found"
    assert os.listdir(directory / "sealpipe-0") == []


def test_without_the_option_both_ends_are_refused_and_it_is_named(directory: pathlib.Path) -> None:
    for start in (sealpipe.serve, sealpipe.connect):
        with pytest.raises(sealpipe.SystemError, match='both ends the option "private_directory"'):
            start("my-app", directory=str(directory))


def test_it_is_refused_together_with_unmask_permissions() -> None:
    with pytest.raises(sealpipe.CallerError, match="unmask_permissions must be False in a private directory"):
        sealpipe.serve("my-app", private_directory=True, unmask_permissions=True)


def test_a_client_in_typescript_finds_it(directory: pathlib.Path) -> None:
    program = (
        f'import {{ startClient }} from "{ROOT}/dist/index.js";'
        f'const client = await startClient("my-app", {{ directory: "{directory}", privateDirectory: true }});'
        'await client.write(1, "hello"); await client.flush(); await client.close();'
    )
    with (
        sealpipe.serve("my-app", directory=str(directory), private_directory=True) as server,
        subprocess.Popen(["node", "--input-type=module", "--eval", program]) as client,
    ):
        # Between sealpipe's ends a flush lasts until the message is read.
        assert server.read(timeout=20).text == "hello"
        assert client.wait(timeout=20) == 0
