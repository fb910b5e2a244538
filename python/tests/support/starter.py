"""Starts and closes servers as it is told, one command a line of JSON, as test/support/children/starter.ts does."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import sealpipe


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def answer_all(server: sealpipe.Server) -> None:
    for message in server:
        message.connection.write(message.type, str(os.getpid()))


def start(command: dict[str, Any]) -> sealpipe.Server | None:
    # Without a pause: a timer would come late by as much as a start takes.
    while time.time() * 1000 < command["at"]:
        pass
    options = command["options"]
    try:
        server = sealpipe.serve(command["name"], directory=options["directory"], encryption=options["encryption"])
    except sealpipe.SealpipeError as error:
        say(event="failed", code=error.code, message=str(error))
        return None
    threading.Thread(target=answer_all, args=(server,), daemon=True).start()
    say(event="listening")
    return server


def main() -> None:
    server = None
    say(event="ready")
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "start":
            server = start(command)
            continue
        if server is not None:
            server.close()
        server = None
        say(event="closed")


if __name__ == "__main__":
    main()
