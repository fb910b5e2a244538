"""The parent's hold on a sidecar."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import Future

_MAX_LINE_BYTES = 65_536


class Lease:
    """It lasts as long as the parent keeps the other end of the standard input open.

    A thread of its own reads that, without the interpreter's lock, and does not wait for an event loop."""

    def __init__(self, drain_timeout: float, input: int = 0) -> None:
        """Once the lease has ended, the process has ``drain_timeout`` before it is killed."""
        self._drain_timeout = drain_timeout
        self._input = input
        self.line: Future[bytes | None] = Future()
        """The parent's first line; ``None`` if there is none."""
        self.ended: Future[None] = Future()
        """The parent is gone, or wants this process to end. What is called then does not block."""
        self._lock = threading.Lock()
        self._released = False
        self._directory: str | None = None
        self._group: int | None = None
        threading.Thread(target=self._watch, name="sealpipe-lease", daemon=True).start()

    def hold(self, directory: str | None, group: int | None) -> None:
        """What ends with the process: a directory, with all that is in it, and a process group."""
        with self._lock:
            self._directory = directory
            self._group = group

    def release(self) -> None:
        """The process does not hang on its parent any more."""
        with self._lock:
            self._released = True

    def die(self) -> None:
        """Ends the process now, and its group with it."""
        with self._lock:
            if not self._released:
                if self._directory is not None:
                    shutil.rmtree(self._directory, ignore_errors=True)
                _kill(self._group)

    def _watch(self) -> None:
        line, is_open = self._read_line()
        self.line.set_result(line)
        del line
        while is_open:
            is_open = len(self._read()) > 0
        deadline = time.monotonic() + self._drain_timeout
        self.ended.set_result(None)
        time.sleep(max(0.0, deadline - time.monotonic()))
        self.die()

    def _read_line(self) -> tuple[bytes | None, bool]:
        """The first line, if there is one, and whether there may be more to read."""
        text = b""
        while chunk := self._read():
            text += chunk
            line, end, _ = text.partition(b"\n")
            if end or len(text) >= _MAX_LINE_BYTES:
                return (line if end else b""), True
        return None, False

    def _read(self) -> bytes:
        try:
            return os.read(self._input, _MAX_LINE_BYTES)
        except OSError:
            # Closed, or not there at all.
            return b""


def _kill(group: int | None) -> None:
    """Kills the group if this process is in it: otherwise the number may be another group's by now."""
    if sys.platform == "win32":
        os._exit(1)
    if group is not None and os.getpgrp() == group:
        os.killpg(group, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
