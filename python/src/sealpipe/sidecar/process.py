"""A process that belongs to its parent."""

from __future__ import annotations

import io
import os
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import SystemError
from .hand_over import decode_hand_over, no_parent
from .lease import Lease

if TYPE_CHECKING:
    from .options import End, SidecarSettings

_lock = threading.Lock()
_is_held = False


def hold_process(settings: SidecarSettings) -> HeldProcess:
    """The standard input has one reader. Raises a SystemError ``ERR_NO_PARENT``."""
    global _is_held  # noqa: PLW0603 - one for the process is what it is about
    with _lock:
        if _is_held:
            raise no_parent("the channel is taken over already")
        _is_held = True
    outlive_readers()
    return HeldProcess(settings)


class HeldProcess:
    def __init__(self, settings: SidecarSettings) -> None:
        self.lease = Lease(settings.drain_timeout)
        self.server_options: Any = dict(settings.server)
        """Also with what the parent decides, once that is known."""
        self._lock = threading.Lock()
        self._is_ending = False

    def take_over(self, line: bytes | None) -> str:
        """The name of the channel. Raises a SystemError."""
        handed = decode_hand_over(line)
        self.lease.hold(handed.directory, handed.group)
        self.server_options |= {"secret": handed.secret, "profile": "native"}
        if handed.directory is not None:
            make_private(handed.directory)
            self.server_options["directory"] = handed.directory
        return handed.name

    def begins_to_end(self) -> bool:
        """Whether it is the first call. A signal handler may call this."""
        if not self._lock.acquire(blocking=False):
            return False
        is_ending, self._is_ending = self._is_ending, True
        self._lock.release()
        return not is_ending

    def exit(self, why: End, code: int) -> None:
        """Ends the process, whatever its threads and tasks are busy with."""
        for output in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                output.flush()
        # A parent that lives removes the directory, and ends what this process has started.
        if why.by == "parent":
            self.lease.die()
        os._exit(code)


def make_private(directory: str) -> None:
    """Makes the channel's directory. One that this process's predecessor made will do.

    Raises a SystemError ``ERR_ADDRESS_UNTRUSTED`` or ``ERR_LISTEN_FAILED``."""
    try:
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        found = os.lstat(directory)
    except OSError as error:
        raise SystemError("ERR_LISTEN_FAILED", "the channel's directory could not be made", error) from error
    if sys.platform != "win32" and (found.st_uid != os.getuid() or found.st_mode != stat.S_IFDIR | 0o700):
        raise SystemError("ERR_ADDRESS_UNTRUSTED", f"{directory} is not a directory of this user's alone")


def outlive_readers() -> None:
    """A parent that has gone reads no output any more. That is not to end this process before it has drained."""
    sys.stdout = _outliving(sys.stdout)
    sys.stderr = _outliving(sys.stderr)


class _Outliving(io.FileIO):
    """Drops what nobody reads any more."""

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _outliving(output: Any) -> Any:
    """The same output. What is none of the interpreter's own is left alone."""
    if type(output) is not io.TextIOWrapper:
        return output
    output.flush()
    raw = _Outliving(output.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=output.encoding,
        errors=output.errors,
        line_buffering=output.line_buffering,
        write_through=output.write_through,
    )
