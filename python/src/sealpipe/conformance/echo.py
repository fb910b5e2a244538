"""The library itself as a subject: ``python -m sealpipe.conformance.echo server|client NAME [--plain]``.

A message of type 7 it tries to write back with type 0.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from .. import CallerError, connect, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import Message

ZERO_TYPE = 7


def main(role: str, name: str, *options: str) -> None:
    encryption = "--plain" not in options
    if role == "server":
        with serve(name, encryption=encryption) as server:
            for message in server:
                _answer(message, message.connection.write)
        return
    with connect(name, encryption=encryption, retry_delay=0.001) as client:
        for answer in client:
            _answer(answer, client.write)


def _answer(message: Message, write: Callable[[int, bytes], object]) -> None:
    if message.type != ZERO_TYPE:
        write(message.type, message.data)
        return
    with suppress(CallerError):
        write(0, message.data)


if __name__ == "__main__":
    main(*sys.argv[1:])
