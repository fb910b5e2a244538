"""What Python and the pages say of the same thing."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import fields
from typing import get_args

import pytest

import sealpipe
from sealpipe.endpoint.options.parse_options import ParsedServerOptions
from sealpipe.errors import ERROR_CODES
from sealpipe.protocol.native.wire.frame import FRAME_KINDS
from sealpipe.protocol.states import STATES, TRANSITIONS, Input, next_state

from .support.vectors import ROOT

SPEC = (ROOT / "spec/protocol.md").read_text()
SOURCE = ROOT / "python/src/sealpipe"


def section(mark: str) -> str:
    [text] = re.findall(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", SPEC, re.DOTALL)
    return str(text)


def rows_of(table: str) -> list[list[str]]:
    return [
        [cell.strip(" `") for cell in line.strip("|\n ").split("|")]
        for line in table.splitlines()[2:]
        if line.startswith("|")
    ]


def test_the_table_of_states_has_every_row_of_the_specs() -> None:
    ours = [[state, input, after] for state, row in TRANSITIONS.items() for input, after in row.items()]
    assert sorted(ours) == sorted(rows_of(section("states")))
    assert {input for _, input, _ in ours} == set(get_args(Input))
    assert {state for state, _, _ in ours} == set(STATES)


def test_the_kinds_of_frames_are_those_of_the_spec() -> None:
    theirs = {row[1]: int(row[0], 16) for row in rows_of(section("native-frames"))}
    assert theirs == dict(FRAME_KINDS)


def test_a_step_that_the_table_lacks_is_our_own_mistake() -> None:
    step: Input = "server-key"
    with pytest.raises(RuntimeError, match='no "server-key" in state "open"'):
        next_state("open", step)


def test_each_limit_has_the_default_of_the_spec() -> None:
    limits = {row[0]: row[1] for row in rows_of(section("limits"))}
    names = {"max_message_bytes", "max_queued_bytes", "max_connections", "max_pending_handshakes"}
    times = {"handshake_timeout", "frame_timeout", "close_timeout"}
    for field in fields(ParsedServerOptions):
        words = field.name.split("_")
        spec_name = words[0] + "".join(map(str.capitalize, words[1:]))
        if field.name in names:
            assert int(limits[spec_name]) == field.default
        elif field.name in times:
            assert field.default == int(limits[f"{spec_name}Ms"]) / 1000
    assert names | times <= {field.name for field in fields(ParsedServerOptions)}


def test_each_code_has_its_heading_in_the_docs_and_the_fault_that_is_said_there() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    parts = re.split(r"^## (Of the \w+)$", page, flags=re.MULTILINE)[1:]
    documented = {
        code: heading.removeprefix("Of the ")
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
        for code in re.findall(r"^## `(ERR_\w+)`$", text, re.MULTILINE)
    }
    assert {code: documented.get(code) for code in ERROR_CODES} == dict(ERROR_CODES)


def test_each_code_is_given_somewhere_and_no_other() -> None:
    source = [path.read_text() for path in SOURCE.rglob("*.py") if path.name != "errors.py"]
    given = set(re.findall(r'"(ERR_\w+)"', "\n".join(source)))
    assert given == set(ERROR_CODES)


def test_an_error_says_whose_fault_it_is_and_can_be_copied() -> None:
    cause = OSError(2, "no such file")
    remote = sealpipe.RemoteError("NOT_FOUND", "it is not there", b"data")
    for other in (copy.copy(remote), pickle.loads(pickle.dumps(remote))):
        assert (type(other), other.code, str(other), other.data) == (
            sealpipe.RemoteError,
            "NOT_FOUND",
            "it is not there [NOT_FOUND]",
            b"data",
        )
    for cls in (sealpipe.CallerError, sealpipe.PeerError, sealpipe.SystemError):
        error = cls("ERR_CLOSED", "it is closed", cause)
        assert (error.code, error.__cause__) == ("ERR_CLOSED", cause)
        assert cls.__name__.lower() == f"{error.fault}error"
        assert str(error) == "it is closed [ERR_CLOSED]"
        for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (type(other), other.code, str(other)) == (cls, "ERR_CLOSED", str(error))


def test_each_heading_that_the_code_names_as_its_source_is_in_the_spec() -> None:
    cited = {
        heading
        for path in SOURCE.rglob("*.py")
        for heading in re.findall(r'spec/protocol\.md, "([^"]+)"', path.read_text())
    }
    assert len(cited) > 5
    for heading in cited:
        assert re.search(rf"^## {heading}$", SPEC, re.MULTILINE), heading
