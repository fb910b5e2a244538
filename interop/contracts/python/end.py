"""A server or a client of the contract, on generated code. See the README beside it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import AsyncIterator, Awaitable, Dict, List, Optional

import everything
from everything import Caller, Doc, ListInput, SaveInput, Shape, ToldData

from sealpipe.contract import InvalidError


def write(line: object) -> None:
    print(json.dumps(line), flush=True)


def rotated(shape: Shape) -> Optional[Shape]:
    if shape["kind"] == "circle":
        return {"kind": "square", "side": round(shape["radius"]), "label": "was a circle"}
    if shape["side"] == 0:
        return None
    return {"kind": "circle", "radius": shape["side"]}


class Handlers:
    def __init__(self) -> None:
        self.saved: Dict[str, int] = {}

    async def echo(self, input: Doc, caller: Caller) -> Doc:
        if input["path"] == "missing":
            raise everything.EchoNotFoundError({"path": input["path"], "tries": 3})
        if input["path"] == "busy":
            raise everything.EchoBusyError
        return input

    async def rotate(self, input: Shape, caller: Caller) -> Optional[Shape]:
        return rotated(input)

    async def invert(self, input: bytes, caller: Caller) -> bytes:
        return bytes(255 - byte for byte in input)

    async def count(self, input: Optional[List[str]], caller: Caller) -> int:
        texts = input or []
        if len(texts) == 1 and texts[0].startswith("saved:"):
            return self.saved[texts[0].removeprefix("saved:")]
        return len(texts)

    async def reset(self, caller: Caller) -> None: ...

    async def wrong(self, input: str, caller: Caller) -> int:
        return 10

    async def list_(self, input: ListInput, caller: Caller) -> AsyncIterator[int]:
        if input["upTo"] < 0:
            raise everything.ListNotFoundError
        if input["upTo"] == 78:
            yield "a text"  # type: ignore[misc]
        for number in range(input["upTo"]):
            yield number

    async def save(self, input: SaveInput, caller: Caller, items: AsyncIterator[str]) -> None:
        self.saved[input["path"]] = len([line async for line in items])

    async def chat(self, caller: Caller, items: AsyncIterator[Shape]) -> AsyncIterator[Shape]:
        async for shape in items:
            yield rotated(shape) or shape


async def run_server(name: str) -> None:
    async with await everything.serve(name, Handlers()) as server:

        async def asked(text: str, caller: Caller) -> None:
            await caller.emit_told({"done": len(text), "total": 100, "note": text})
            await caller.emit_said([1, 2, 3])
            await caller.emit_tick()

        async def said(numbers: List[int], caller: Caller) -> None:
            await caller.emit_said(numbers[::-1])

        server.on_asked(asked)
        server.on_said(said)
        write({"listens": True})
        await asyncio.to_thread(sys.stdin.read)


def document() -> Doc:
    return {
        "path": "a/b é 😀",
        "version": 2,
        "author": {"name": "Ada", "mail": None},
        "mode": "read-write",
        "size": 9007199254740991,
        "ratio": 0.1,
        "isOpen": True,
        "tags": [],
        "counts": {"one": 1, "": -2},
        "shapes": [{"kind": "circle", "radius": 1.5}, {"kind": "square", "side": 3, "label": "s"}],
        "favourite": {"kind": "square", "side": 4},
        "note": None,
        "lines": [[1, 2], []],
        "previous": {
            "path": "older",
            "version": 2,
            "author": {"name": "Bob"},
            "mode": "1st",
            "size": 0,
            "ratio": -1,
            "isOpen": False,
            "tags": ["x"],
            "counts": {},
            "shapes": [],
            "note": "n",
            "anything": 0,
        },
        "content-type": "text/plain",
        "class": "c",
        "anything": {"deep": [1, None, "x"]},
    }


async def failure(call: Awaitable[object]) -> object:
    try:
        await call
    except everything.EchoNotFoundError as error:
        return {"code": error.code, "data": error.data}
    except (everything.EchoBusyError, everything.ListNotFoundError) as error:
        return {"code": error.code}
    except InvalidError as error:
        if error.code == "ERR_INVALID_INPUT":
            return {"code": error.code, "paths": [issue.path for issue in error.issues]}
        return {"code": error.code}
    return {"stranger": "it did not fail"}


async def call_methods(app: everything.Client) -> None:
    doc = document()
    write({"step": "echo", "result": await app.echo(doc)})
    write({"step": "missing", "result": await failure(app.echo({**doc, "path": "missing"}))})
    write({"step": "busy", "result": await failure(app.echo({**doc, "path": "busy"}))})
    write({"step": "invalid", "result": await failure(app.echo({**doc, "size": -1}))})
    write({"step": "circle", "result": await app.rotate({"kind": "circle", "radius": 2.4})})
    write({"step": "nothing", "result": await app.rotate({"kind": "square", "side": 0})})
    write({"step": "bytes", "result": list(await app.invert(b"\0\1\377"))})
    write({"step": "count", "result": [await app.count(), await app.count([]), await app.count(["a", "b"])]})
    await app.reset()
    write({"step": "wrong", "result": await failure(app.wrong("x"))})
    write({"step": "has", "result": [app.has("echo"), app.has("list")]})


async def exchange_events(app: everything.Client) -> None:
    heard: asyncio.Queue[List[object]] = asyncio.Queue()

    def told(data: ToldData) -> None:
        heard.put_nowait(["told", data])

    app.on_told(told)
    app.on_said(lambda data: heard.put_nowait(["said", data]))
    app.on_tick(lambda: heard.put_nowait(["tick"]))
    await app.emit_asked("how far?")
    await app.emit_said([7, 8])
    write({"step": "events", "result": [await heard.get() for _ in range(4)]})


async def open_streams(app: everything.Client) -> None:
    write({"step": "list", "result": [number async for number in await app.list_({"upTo": 5})]})
    write({"step": "list missing", "result": await failure((await app.list_({"upTo": -1})).read())})
    write({"step": "list wrong", "result": await failure((await app.list_({"upTo": 78})).read())})
    last = -1
    async with await app.list_({"upTo": 1_000_000}) as numbers:
        async for number in numbers:
            last = number
            if number == 3:
                break
    write({"step": "list left", "result": last})
    save = await app.save({"path": "a.txt"})
    for line in ["one", "", "three"]:
        await save.write(line)
    save.end()
    await save.finished()
    write({"step": "saved", "result": await app.count(["saved:a.txt"])})
    chat = await app.chat()
    answers: List[object] = []
    shapes: List[Shape] = [{"kind": "circle", "radius": 9}, {"kind": "square", "side": 5}]
    for shape in shapes:
        await chat.write(shape)
        answers.append(await chat.read())
    chat.end()
    await chat.finished()
    write({"step": "chat", "result": answers})


async def run_client(name: str) -> None:
    async with await everything.connect(name) as app:
        await call_methods(app)
        await exchange_events(app)
        await open_streams(app)


if __name__ == "__main__":
    asyncio.run((run_server if sys.argv[1] == "server" else run_client)(sys.argv[2]))
