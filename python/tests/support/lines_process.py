"""A process that talks in lines of JSON on its standard input and output."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

Line = dict[str, Any]
_PATIENCE = 60.0
_ids = itertools.count(1)


class LinesProcess:
    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> LinesProcess:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def command(self, **line: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def ask(self, **line: Any) -> Line:
        """Gives a command and waits for what answers it."""
        id = next(_ids)
        self.command(**line, id=id)
        answer = self.until(lambda line: line.get("id") == id)
        assert answer["event"] != "error", answer
        return answer

    def until(self, fits: Callable[[Line], bool]) -> Line:
        """The first line that fits; lines before it are dropped."""
        seen: list[Line] = []
        while True:
            try:
                line = self._lines.get(timeout=_PATIENCE)
            except queue.Empty:
                raise AssertionError(f"the process said nothing that fits after {seen[-5:]}") from None
            if line is None:
                assert self.process.stderr is not None
                raise AssertionError(f"the process ended after {seen[-5:]}: {self.process.stderr.read()}")
            if fits(line):
                return line
            seen.append(line)

    def until_status(self, status: str) -> Line:
        return self.until(lambda line: line["event"] == "status" and line["status"] == status)

    def until_message(self) -> Line:
        return self.until(lambda line: line["event"] == "message")

    def kill(self) -> None:
        """Ends it as a crash does."""
        self.process.kill()
        self._end()

    def stop(self) -> None:
        """Ends it in order: at the end of its input it closes and exits."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._end()

    def _end(self) -> None:
        self.process.wait(10)
        self._reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)
