"""The rules of spec/protocol.md, asked of three implementations, and of some that break them."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from sealpipe.conformance.__main__ import main
from sealpipe.conformance.client_rules import CLIENT_RULES
from sealpipe.conformance.server_rules import SERVER_RULES

from ..support.peers import build_go_peer, require
from ..support.vectors import ROOT

ECHO = '{"do":"echo","on":true}'
PAGE = (ROOT / "docs/other-languages.md").read_text()


def command_of(implementation: str, role: str) -> list[str]:
    if implementation == "golang-ipc":
        retry = " --retry-seconds 1" if role == "client" else ""
        return ["--stdin", ECHO, "--command", f"{build_go_peer('v1.2.4')} {role} --name {{name}}{retry}"]
    if implementation == "typescript":
        require("node")
        return ["--command", f"node {ROOT}/python/tests/interop/peer.js {role} --name {{name}} --echo"]
    return ["--command", f"{sys.executable} -m sealpipe.conformance.echo {role} {{name}}"]


def documented(role: str) -> set[str]:
    """The rules that golang-ipc does not hold to, as the page says."""
    [table] = re.findall(r"<!-- golang-ipc -->(.*)<!-- /golang-ipc -->", PAGE, re.DOTALL)
    return {rule for told, rule in re.findall(r"^\| (\w+) \| ([^|]+) \|", table, re.MULTILINE) if told == role}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("implementation", ["golang-ipc", "typescript", "python"])
def test_an_implementation_holds_to_the_rules_as_the_docs_say(
    implementation: str, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # In a process of its own, as users run it.
    command = [sys.executable, "-m", "sealpipe.conformance", role, *command_of(implementation, role)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{implementation}: {result.stdout.splitlines()[-1]}")
    failed = set(re.findall(r"^FAIL  should  (\w[^:]*: [^:]*):", result.stdout, re.MULTILINE))
    assert result.returncode == 0, result.stdout + result.stderr
    assert failed == (documented(role) if implementation == "golang-ipc" else set()), result.stdout


def test_the_page_says_how_many_rules_there_are() -> None:
    servers, clients = (sum(True in rule.modes for rule in rules) for rules in (SERVER_RULES, CLIENT_RULES))
    assert f"{servers} for servers, {clients} for clients" in PAGE


def test_each_rule_is_from_a_heading_of_the_spec() -> None:
    headings = set(re.findall(r"^## (.+)$", (ROOT / "spec/protocol.md").read_text(), re.MULTILINE))
    for rule in (*SERVER_RULES, *CLIENT_RULES):
        assert re.sub(r"( \d)?:.*", "", rule.id) in headings, rule.id


@pytest.mark.parametrize("role", ["server", "client"])
def test_plain_programs_can_be_asked_as_well(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"{sys.executable} -m sealpipe.conformance.echo {role} {{name}} --plain"
    assert main([role, "--plain", "--command", command, "--only", "Handshake 1"]) == 0
    assert "0 that must and 0 that should do not" in capsys.readouterr().out


BROKEN = """
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind("/tmp/{name}.sock")
server.listen()
while True:
    client, _ = server.accept()
    %s
"""


@pytest.mark.parametrize(
    ("does", "found"),
    [
        ("client.send(bytes([2, 7]))", "it says 02 07"),
        ("client.close()", "it ended after 0 of 2 bytes"),
        ("sys.exit()", "it ended after 0 of 2 bytes"),
    ],
)
def test_a_program_that_breaks_a_rule_is_told_what_it_did(
    does: str, found: str, capsys: pytest.CaptureFixture[Any]
) -> None:
    program = (BROKEN % does).replace("'", '"')
    command = f"{sys.executable} -c '{program}'"
    assert main(["server", "--command", command, "--only", "Handshake 1"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  must    Handshake 1: hello" in out
    assert found in out
    assert "1 that must" in out


def test_a_program_that_does_not_start_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "--command", f"{sys.executable} -c pass", "--only", "Handshake 1"]) == 1
    assert "it does not listen at the address of its name: it has ended" in capsys.readouterr().out
