"""The library itself as a subject: ``python -m sealpipe.conformance.echo server|client NAME [--plain]``."""

from __future__ import annotations

import sys

from .. import connect, serve


def main(role: str, name: str, *options: str) -> None:
    encryption = "--plain" not in options
    if role == "server":
        with serve(name, encryption=encryption) as server:
            for message in server:
                message.connection.write(message.type, message.data)
        return
    with connect(name, encryption=encryption, retry_delay=0.05) as client:
        for answer in client:
            client.write(answer.type, answer.data)


if __name__ == "__main__":
    main(*sys.argv[1:])
