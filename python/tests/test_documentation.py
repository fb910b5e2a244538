"""The examples do what they say."""

from __future__ import annotations

import doctest
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

import sealpipe
import sealpipe.aio

from .support.names import fresh_name
from .support.peers import NEWEST_GO, require
from .support.vectors import ROOT

README = (ROOT / "python/README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ONE_CLIENT, ONE_SERVER, BOTH, REQUESTS, BLOCKING_REQUESTS, STREAMS, ONE_TRY, FAILS = EXAMPLES

GUIDE = (ROOT / "docs/python.md").read_text()
[GUI] = re.findall(r"^```js\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
GUIDE_STREAMS, THREADS, WORKER, FASTAPI = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
SIDECARS = (ROOT / "docs/sidecars.md").read_text()
[ASYNC_WORKER] = re.findall(r"^```python\n(.*?)^```", SIDECARS, re.MULTILINE | re.DOTALL)


def promised(code: str) -> list[str]:
    """What stands behind a ``print``, or in lines of its own below it."""
    return re.findall(r"(?:print\(.*\)  |^ +)# (.+)$", code, re.MULTILINE)


def start(code: str, name: str) -> subprocess.Popen[str]:
    """The example as a program with a name of its own, so that nothing else on the machine answers it."""
    command = [
        sys.executable,
        "-u",
        "-W",
        "error",
        "-c",
        code.replace("my-app", name).replace("timeout=1)", "timeout=20)"),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    "code",
    [
        BOTH,
        pytest.param(REQUESTS, marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout")),
        BLOCKING_REQUESTS,
        STREAMS,
        ONE_TRY,
        FAILS,
        GUIDE_STREAMS,
        THREADS,
    ],
    ids=["asyncio", "requests", "blocking-requests", "streams", "one-try", "errors", "blocking-streams", "threads"],
)
def test_an_example_prints_what_it_says(code: str) -> None:
    with start(code, fresh_name()) as process:
        out, err = process.communicate(timeout=30)
    assert (out.splitlines(), err) == (promised(code), "")


def test_the_client_and_the_server_of_the_readme_talk_to_each_other() -> None:
    name = fresh_name()
    with start(ONE_SERVER, name) as server:
        with start(ONE_CLIENT, name) as client:
            out, err = client.communicate(timeout=30)
        assert (out.splitlines(), err) == (promised(ONE_CLIENT), "")
        assert server.stdout is not None
        assert server.stdout.readline() == "5 hello\n"
        server.send_signal(2)
        server.communicate(timeout=30)


def test_the_client_of_the_readme_talks_to_golang_ipc() -> None:
    name = fresh_name()
    with NEWEST_GO.start("server", name) as go:
        go.until_status("listening")
        with start(ONE_CLIENT, name) as client:
            assert go.until_message()["text"] == "hello"
            go.ask(do="write", type=6, text="you said: hello")
            out, err = client.communicate(timeout=30)
    assert (out.splitlines(), err) == (promised(ONE_CLIENT), "")


def run_gui(directory: pathlib.Path, gui: str, worker: str) -> str:
    """The program on Node, which finds the library as it is in the package's own directory."""
    require("node")
    (directory / "worker.py").write_text(worker)
    (directory / "gui.mjs").write_text(
        re.sub(r"^const python = .*", f"const python = {json.dumps(sys.executable)};", gui, flags=re.MULTILINE)
    )
    done = subprocess.run(["node", "gui.mjs"], cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return str(done.stdout)


@pytest.fixture
def work() -> Iterator[pathlib.Path]:
    """A directory of the package's own."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="python-guide-") as directory:
        yield pathlib.Path(directory)


def test_a_gui_on_node_starts_a_worker_and_asks_it(work: pathlib.Path) -> None:
    assert run_gui(work, GUI, WORKER).splitlines() == ["5", "0", "50", "100"]


def test_a_worker_of_asyncio_does_as_well(work: pathlib.Path) -> None:
    gui = GUI.replace("my-worker", "my-daemon")
    gui = "\n".join(line for line in gui.splitlines() if "openStream" not in line)
    assert run_gui(work, gui, ASYNC_WORKER).splitlines() == ["HOW MANY WORDS ARE THESE?"]


class LocalHttp(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def test_fastapi_serves_a_channel_in_its_loop(tmp_path: pathlib.Path) -> None:
    name = fresh_name()
    (tmp_path / "app.py").write_text(FASTAPI.replace("my-app", name))
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(tmp_path), "--uds", str(tmp_path / "http"), "app:app"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any("Uvicorn running on" in line for line in process.stderr)
            with sealpipe.connect(name, connect_timeout=20) as client:
                assert [client.request(1, job).text for job in ("sweep", "wash")] == ["1", "2"]
            web = LocalHttp(tmp_path / "http")
            web.request("GET", "/jobs")
            assert json.loads(web.getresponse().read()) == ["sweep", "wash"]
            web.close()
        finally:
            process.send_signal(2)
            process.communicate(timeout=60)


@pytest.mark.parametrize("module", [sealpipe, sealpipe.aio], ids=["blocking", "aio"])
def test_a_docstring_is_true(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    name = fresh_name()
    monkeypatch.setattr(module, "__doc__", str(module.__doc__).replace("my-app", name))
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert (results.failed, results.attempted > 1) == (0, True)


def test_the_readme_has_every_option_with_its_default() -> None:
    from sealpipe.endpoint.options.parse_options import ParsedClientOptions, ParsedServerOptions

    rows = re.findall(r"^\| `(\w+)` \| (both|server|client) \| ([^|]*?) ?\|", README, re.MULTILINE)
    documented = {name: default.strip("`").split("`")[0] for name, _, default in rows}
    for parsed in (ParsedServerOptions(), ParsedClientOptions()):
        for name, value in vars(parsed).items():
            shown = documented[name]
            if not name.startswith("on_"):
                assert eval(shown) == value, name
