"""The rules of spec/protocol.md, asked of four implementations, and of some that break them."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from sealpipe.conformance.__main__ import main
from sealpipe.conformance.client_rules import CLIENT_RULES
from sealpipe.conformance.server_rules import SERVER_RULES

from ..support.peers import build_go_end, build_go_peer, require
from ..support.vectors import ROOT

PAGE = (ROOT / "docs/other-languages.md").read_text()


def command_of(implementation: str, role: str, *, plain: bool) -> list[str]:
    mode = " --encryption=false" if plain else ""
    if implementation == "golang-ipc":
        retry = " --retry-seconds 1" if role == "client" else ""
        # By a flag: a command on its standard input may come after the first message.
        return ["--command", f"{build_go_peer('v1.2.4')} {role} --name {{name}} --echo{retry}{mode}"]
    if implementation == "go":
        return ["--zero-type", "99", "--command", f"{build_go_end()} {role} --name {{name}} --echo{mode}"]
    if implementation == "typescript":
        require("node")
        peer = f"node {ROOT}/python/tests/interop/peer.js {role} --name {{name}} --echo --retry-ms 1{mode}"
        return ["--zero-type", "7", "--command", peer]
    echo = f"{sys.executable} -m sealpipe.conformance.echo {role} {{name}}{' --plain' if plain else ''}"
    return ["--zero-type", "7", "--command", echo]


def documented(role: str, *, plain: bool) -> set[str]:
    """The rules that golang-ipc does not hold to, as the page says."""
    [table] = re.findall(r"<!-- golang-ipc -->(.*)<!-- /golang-ipc -->", PAGE, re.DOTALL)
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    asked = {asked.id for asked in (*SERVER_RULES, *CLIENT_RULES) if (not plain) in asked.modes}
    return {
        rule for told, rule, found in rows if told == role and rule in asked and (plain or "plain only" not in found)
    }


@pytest.mark.timeout(240)
@pytest.mark.parametrize("plain", [False, True], ids=["encrypted", "plain"])
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("implementation", ["golang-ipc", "typescript", "python", "go"])
def test_an_implementation_holds_to_the_rules_as_the_docs_say(
    implementation: str, role: str, *, plain: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    # In a process of its own, as users run it.
    program = command_of(implementation, role, plain=plain)
    mode = ["--plain"] if plain else []
    command = [sys.executable, "-m", "sealpipe.conformance", role, *mode, *program]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{implementation}: {result.stdout.splitlines()[-1]}")
    failed = set(re.findall(r"^FAIL  should  (\w[^:]*: [^:]*):", result.stdout, re.MULTILINE))
    assert result.returncode == 0, result.stdout + result.stderr
    if implementation == "golang-ipc":
        assert failed == documented(role, plain=plain), result.stdout
        return
    assert failed == set(), result.stdout
    assert "open " not in result.stdout


def test_the_page_says_how_many_rules_there_are() -> None:
    counts = [
        sum(mode in rule.modes for rule in rules) for mode in (True, False) for rules in (SERVER_RULES, CLIENT_RULES)
    ]
    text = " ".join(PAGE.split())
    assert "encrypted {} for servers, {} for clients; plain {} for either".format(*counts[:3]) in text
    assert counts[2] == counts[3]


def test_each_rule_is_from_a_heading_of_the_spec() -> None:
    headings = set(re.findall(r"^## (.+)$", (ROOT / "spec/protocol.md").read_text(), re.MULTILINE))
    for rule in (*SERVER_RULES, *CLIENT_RULES):
        assert re.sub(r"( \d)?:.*", "", rule.id) in headings, rule.id


@pytest.mark.timeout(120)
@pytest.mark.parametrize("plain", [False, True], ids=["encrypted", "plain"])
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize(
    ("mutant", "rule"),
    [
        ("whole_secret", "Key: leading zeros"),
        ("two_writes", "Message: one write"),
        ("type_0", "Message: type 0 is not written"),
        ("exact_maximum", "Handshake 4: further bytes"),
    ],
)
def test_a_program_that_breaks_a_rule_is_found(
    mutant: str, rule: str, role: str, *, plain: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [asked for asked in (SERVER_RULES if role == "server" else CLIENT_RULES) if asked.id == rule]
    if not asked or (not plain) not in asked[0].modes:
        return
    program = f"{sys.executable} -m tests.interop.mutants {mutant} {role} {{name}}{' --plain' if plain else ''}"
    mode = ["--plain"] if plain else []
    assert main([role, *mode, "--zero-type", "7", "--command", program, "--only", rule]) == 1
    assert f"FAIL  must    {rule}" in capsys.readouterr().out


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


def test_a_program_is_told_what_to_do_on_its_standard_input(capsys: pytest.CaptureFixture[Any]) -> None:
    program = (BROKEN % "client.send(os.read(0, 2))").replace("'", '"')
    command = f"{sys.executable} -c '{program}'"
    assert main(["server", "--stdin", "ab", "--command", command, "--only", "Handshake 1"]) == 1
    assert "it says 61 62" in capsys.readouterr().out


def test_a_program_that_does_not_start_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "--command", f"{sys.executable} -c pass", "--only", "Handshake 1"]) == 1
    assert "it does not listen at the address of its name: it has ended" in capsys.readouterr().out
