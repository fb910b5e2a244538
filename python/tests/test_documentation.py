"""The examples do what they say."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys

import pytest

import sealpipe
import sealpipe.aio

from .support.names import fresh_name
from .support.peers import NEWEST_GO
from .support.vectors import ROOT

README = (ROOT / "python/README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ONE_CLIENT, ONE_SERVER, BOTH, REQUESTS, BLOCKING_REQUESTS, STREAMS, ONE_TRY, FAILS = EXAMPLES


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
    ],
    ids=["asyncio", "requests", "blocking-requests", "streams", "one-try", "errors"],
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


@pytest.mark.parametrize("module", [sealpipe, sealpipe.aio], ids=["blocking", "aio"])
def test_a_docstring_is_true(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    name = fresh_name()
    monkeypatch.setattr(module, "__doc__", str(module.__doc__).replace("my-app", name))
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert (results.failed, results.attempted > 1) == (0, True)


def test_the_readme_has_every_option_with_its_default() -> None:
    from sealpipe.endpoint.options import ParsedClientOptions, ParsedServerOptions

    rows = re.findall(r"^\| `(\w+)` \| (both|server|client) \| ([^|]*?) ?\|", README, re.MULTILINE)
    documented = {name: default.strip("`").split("`")[0] for name, _, default in rows}
    for parsed in (ParsedServerOptions(), ParsedClientOptions()):
        for name, value in vars(parsed).items():
            shown = documented[name]
            if not name.startswith("on_"):
                assert eval(shown) == value, name
