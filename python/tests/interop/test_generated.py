"""Code that was generated from a contract: its types, and what it does that other languages do not see."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import pathlib
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import sealpipe.aio
from sealpipe import CallerError, PeerError, RemoteError
from sealpipe.contract import Contract, InvalidError
from sealpipe.contract.mismatches import mismatches
from sealpipe.contract.schema import compile_schema

from ..support.names import fresh_name
from ..support.peers import require
from ..support.vectors import ROOT

PROGRAM = ROOT / "dist/cli/main.js"


def generate(language: str, contract: object, directory: pathlib.Path) -> pathlib.Path:
    require("node")
    assert PROGRAM.exists(), "the TypeScript library is built: npm run build"
    source = directory / "contract.json"
    source.write_text(json.dumps(contract))
    command = ["node", str(PROGRAM), "contract", "generate", f"--{language}", str(source)]
    generated = directory / "generated.py"
    generated.write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return generated


def load(path: pathlib.Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"generated_{path.parent.name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def described(version: str = "1", **members: object) -> dict[str, object]:
    return {"sealpipe": "contract/1", "name": "files", "version": version, "codec": "json", "members": members}


TEXT = {"type": "string"}
SIZE = {"kind": "method", "number": 1, "input": TEXT, "output": {"type": "integer"}, "errors": {"NOT_FOUND": TEXT}}
OTHER = {"kind": "method", "number": 2, "errors": {"NOT_FOUND": TEXT}}
TOLD = {"kind": "event", "number": 3, "data": {"type": "integer"}, "direction": "both"}
LINES = {"kind": "stream", "number": 4, "output": TEXT, "items": TEXT}


def test_it_fits_its_programs_by_mypy_and_runs(tmp_path: pathlib.Path) -> None:
    contract = json.loads((ROOT / "interop/contracts/everything.json").read_text())
    generate("python", contract, tmp_path).rename(tmp_path / "everything.py")
    shutil.copy(ROOT / "interop/contracts/python/end.py", tmp_path)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / "build/python/mypy"), "."]
    environment = {"MYPYPATH": str(ROOT / "python/src"), "PATH": ""}
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


class Handlers:
    """Of the contract with size, other, told and lines."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.seen: list[object] = []

    async def size(self, input: str, caller: object) -> object:
        self.seen.append(input)
        if input == "missing":
            raise self.module.SizeNotFoundError(input, "it is not there")
        if input == "another's":
            raise self.module.OtherNotFoundError(input)
        if input == "invalid":
            raise InvalidError("ERR_INVALID_INPUT", "of another contract")
        return "text" if input == "wrong" else len(input)

    async def other(self, caller: object) -> None: ...

    async def lines(self, caller: object, items: Any) -> Any:
        async for item in items:
            yield 5 if item == "wrong" else item


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    members = described(size=SIZE, other=OTHER, told=TOLD, lines=LINES)
    return load(generate("python", members, tmp_path_factory.mktemp("files")))


async def test_inputs_and_outputs_are_checked_and_errors_keep_their_meaning(module: Any) -> None:
    handlers = Handlers(module)
    name = fresh_name()
    async with await module.serve(name, handlers), await module.connect(name) as app:
        assert await app.size("abc") == 3
        with pytest.raises(module.SizeNotFoundError, match="it is not there") as missing:
            await app.size("missing")
        assert missing.value.data == "missing"
        for another in ("another's", "invalid"):
            with pytest.raises(RemoteError) as remote:
                await app.size(another)
            assert remote.value.code == "ERR_HANDLER_FAILED"
        with pytest.raises(InvalidError) as output:
            await app.size("wrong")
        assert (output.value.code, output.value.issues) == ("ERR_INVALID_OUTPUT", ())
        handlers.seen.clear()
        with pytest.raises(InvalidError) as given:
            await app.size(5)
        assert given.value.code == "ERR_INVALID_INPUT"
        assert [issue.message for issue in given.value.issues] == ["expected string"]
        for hostile in (b"", b"{", b'"\xff"', b"[" * 300 + b"]" * 300, b'{"__proto__":1}', b"NaN", b"[" * 100_000):
            with pytest.raises(RemoteError) as refused:
                await app.endpoint.request(1, hostile)
            assert refused.value.code == "ERR_INVALID_INPUT"
        assert handlers.seen == []
        with pytest.raises(CallerError, match="cannot be encoded as json"):
            await app.size(float("nan"))


async def test_an_item_that_does_not_fit_resets_the_stream(module: Any) -> None:
    name = fresh_name()
    async with await module.serve(name, Handlers(module)), await module.connect(name) as app:
        for item, code in ((5, "ERR_INVALID_INPUT"), ("wrong", "ERR_INVALID_OUTPUT")):
            stream = await app.lines()
            await stream.write(item)
            with pytest.raises(InvalidError) as invalid:
                await stream.read()
            assert invalid.value.code == code


def putting_into(heard: asyncio.Queue[int]) -> Callable[[int, object], None]:
    """A listener."""

    def put(data: int, _: object) -> None:
        heard.put_nowait(data)

    return put


async def test_events_wait_for_a_listener_and_go_on_after_one_that_does_not_fit(module: Any) -> None:
    name = fresh_name()
    async with await module.serve(name, Handlers(module)) as server, await module.connect(name) as app:
        for data in (1, "text", 2, 1.5):
            await app.emit_told(data)
        heard: asyncio.Queue[int] = asyncio.Queue()
        remove = server.on_told(putting_into(heard))
        assert (await heard.get(), await heard.get()) == (1, 2)
        remove()
        again: asyncio.Queue[int] = asyncio.Queue()

        def broken(data: int, caller: object) -> None:
            raise RuntimeError("of the program's own")

        server.on_told(broken)
        server.on_told(putting_into(again))
        await app.emit_told(3)
        assert await again.get() == 3
        assert heard.empty()


async def test_a_member_that_differs_is_said_at_connect(module: Any, tmp_path: pathlib.Path) -> None:
    name = fresh_name()
    older = load(generate("python", described("0", size={**SIZE, "input": {"type": "integer"}}), tmp_path))
    async with await module.serve(name, Handlers(module)):
        with pytest.raises(PeerError) as mismatch:
            await older.connect(name)
    assert mismatch.value.code == "ERR_CONTRACT_MISMATCH"
    expected = 'contract "files" (version "0" here, "1" at the peer): size: input: it may be an integer'
    assert mismatch.value.message == expected


async def test_a_member_that_the_peer_lacks_is_no_mismatch(module: Any, tmp_path: pathlib.Path) -> None:
    name = fresh_name()
    older = load(generate("python", described("0", size=SIZE), tmp_path))
    async with await older.serve(name, Handlers(module)), await module.connect(name) as app:
        assert [app.has(member) for member in ("size", "other", "nothing")] == [True, False, False]
        with pytest.raises(RemoteError) as missing:
            await app.other()
        assert missing.value.code == "ERR_NO_HANDLER"


async def test_a_server_that_comes_back_with_another_contract_ends_it(module: Any, tmp_path: pathlib.Path) -> None:
    name = fresh_name()
    newer = load(generate("python", described("2", size={**SIZE, "number": 9}), tmp_path))
    ended: asyncio.Queue[str] = asyncio.Queue()
    first = await module.serve(name, Handlers(module))
    app = await module.connect(name, on_status=ended.put_nowait, retry_delay=0.005)
    await first.close()
    async with await newer.serve(name, Handlers(module)):
        while await ended.get() not in ("error", "closed"):
            pass
        with pytest.raises(PeerError, match="its numbers are 1 and 9") as mismatch:
            await app.endpoint.read()
    assert mismatch.value.code == "ERR_CONTRACT_MISMATCH"


async def test_a_peer_of_another_codec_or_other_contracts_is_said_at_connect(module: Any) -> None:
    folders = Contract(json.dumps(described()).replace('"files"', '"folders"')).identity
    cases: list[tuple[Any, str]] = [
        ({"codec": "cbor"}, "encoded as json here, and as cbor"),
        ({"contracts": [folders]}, 'speaks of "folders"'),
    ]
    for options, message in cases:
        name = fresh_name()
        async with sealpipe.aio.serve(name, **options):
            with pytest.raises(PeerError, match=message):
                await module.connect(name)


async def test_a_handler_that_is_missing_is_said_when_the_server_starts(module: Any) -> None:
    with pytest.raises(CallerError, match='there is no handler for "lines"'):
        await module.serve(fresh_name(), object())


def test_its_errors_can_be_pickled(module: Any) -> None:
    error = module.SizeNotFoundError("a.txt", "gone")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.data, again.message) == (type(error), "a.txt", "gone")


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("[]", "contract/1"),
        ("{", "Expecting"),
        ('{"sealpipe":"contract/1"}', "has no name"),
        (json.dumps({**described(), "codec": "cbor"}), "there is json alone"),
        (json.dumps({**described(), "members": []}), "no members"),
        (json.dumps(described(x=5)), '"x" has no kind'),
        (json.dumps(described(x={"kind": "event", "number": 1})), "no direction"),
        (json.dumps(described(x={"kind": "method", "number": 2**32})), "or no number"),
        (json.dumps(described(x={"kind": "method", "number": 1, "input": 5})), "no JSON Schema"),
        (json.dumps(described(x={"kind": "method", "number": 1, "optional": "input"})), "no list"),
        (json.dumps(described(x={"kind": "method", "number": 1, "errors": []})), "no object"),
        (json.dumps(described(x={"kind": "method", "number": 1, "input": {"not": {}}})), "cannot be checked"),
        (json.dumps(described(x={"kind": "method", "number": 1, "input": {"pattern": "("}})), "/pattern"),
        (json.dumps(described(x={"kind": "method", "number": 1, "input": {"items": {"type": "x"}}})), "/items/type"),
    ],
)
def test_a_description_that_is_none_is_refused(description: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Contract(description)


@pytest.mark.parametrize(
    ("caller", "implementer", "reason"),
    [
        (SIZE, {**SIZE, "kind": "stream"}, "x: its kinds are method and stream"),
        (SIZE, {**SIZE, "output": TEXT}, "x: output: it may be a string"),
        (SIZE, {**SIZE, "output": {"type": "integer"}, "optional": ["output"]}, "x: output: it may be missing"),
        (SIZE, {**SIZE, "errors": {"NOT_FOUND": None}}, "x: the data of NOT_FOUND: it may be missing"),
        (SIZE, {**SIZE, "errors": {}}, None),
        (SIZE, {**SIZE, "input": True, "output": True}, None),
        (LINES, {**LINES, "items": {"type": "integer"}}, "x: items: it may be a string"),
        (LINES, {**LINES, "output": {"type": "integer"}}, "x: output: it may be an integer"),
        (LINES, {key: LINES[key] for key in LINES if key != "items"}, "x: items: one end has a schema"),
        ({**TOLD, "direction": "to-caller"}, {**TOLD, "data": TEXT}, "x: data: it may be a string"),
        (TOLD, {**TOLD, "direction": "to-caller"}, 'x: the implementer does not know it as "from-caller"'),
        ({**TOLD, "direction": "to-caller"}, TOLD, None),
        ({"kind": "later", "number": 1}, {"kind": "later", "number": 1}, None),
    ],
)
def test_members_are_compared(caller: object, implementer: object, reason: str | None) -> None:
    found = mismatches(
        Contract(json.dumps(described(x=caller))).parsed, Contract(json.dumps(described(x=implementer))).parsed
    )
    assert [each.startswith(reason or "") for each in found] == [True] * (reason is not None)


def test_a_number_of_another_member_is_a_mismatch() -> None:
    mine, theirs = Contract(json.dumps(described(x=SIZE))), Contract(json.dumps(described(y=SIZE)))
    assert mismatches(mine.parsed, theirs.parsed) == ['x: its number 1 is that of "y"']


async def test_a_stream_has_an_end_and_can_be_left(module: Any) -> None:
    name = fresh_name()
    async with await module.serve(name, Handlers(module)), await module.connect(name) as app:
        async with await app.lines() as lines:
            await lines.write("a")
            assert await lines.read() == "a"
        left = await app.lines()
        left.reset("BUSY", "no time")
        with pytest.raises(CallerError):
            await left.write("b")
        ended = await app.lines()
        await ended.write("c")
        ended.end()
        assert [item async for item in ended] == ["c"]
        await ended.finished()


def test_schemas_that_cannot_be_checked_are_refused() -> None:
    wrong: list[tuple[Any, str]] = [
        (5, "no object and no boolean"),
        ({"type": []}, "no type at all"),
        ({"enum": 5}, "/enum: no list"),
        ({"minimum": "1"}, "/minimum: no number"),
        ({"multipleOf": 0}, "/multipleOf: no number"),
        ({"minLength": -1}, "/minLength: no number"),
        ({"pattern": 5}, "/pattern: no text"),
        ({"required": "a"}, "/required: no list"),
        ({"properties": []}, "/properties: no object"),
        ({"prefixItems": {}}, "/prefixItems: no list"),
        ({"anyOf": []}, "anyOf is a list"),
        ({"$ref": 5}, "no text"),
        ({"$ref": "other.json"}, "outside of the schema"),
        ({"$ref": "#/$defs/a"}, "leads to nothing"),
        ({"properties": {"a": {"contentMediaType": "application/octet-stream"}}}, "bytes in other data"),
    ]
    for schema, reason in wrong:
        with pytest.raises(ValueError, match=reason.replace("$", r"\$")):
            compile_schema(schema)
