"""What a name resolves to. Source: spec/protocol.md, "Address"."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import CallerError
from .runtime_directory import runtime_directory

if TYPE_CHECKING:
    from .users import Trust

DEFAULT_DIRECTORY = "/tmp"  # noqa: S108 - where golang-ipc puts its sockets, whatever the environment says
_PIPE_PREFIX = "\\\\.\\pipe\\"
_MAX_PIPE_NAME_LENGTH = 256
_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True)
class Address:
    kind: Literal["unix-socket", "named-pipe"]
    path: str
    """The socket's path, or the pipe's full name."""
    trust: Trust = ()
    """Users that may own the address besides this one and root. Not used for named pipes."""
    is_private: bool = False
    """Its directory is a private one, which private_directory opens before anything is done at the path."""
    held: str = ""
    """The directory through whose descriptor ``path`` leads, while it is held."""
    shown: str = ""
    """The path for people, if ``path`` leads through a descriptor."""

    @property
    def shown_path(self) -> str:
        return self.shown or self.path


def resolve_address(
    name: str,
    directory: str = DEFAULT_DIRECTORY,
    *,
    private_to: int | None = None,
    trust: Trust = (),
    platform: str = sys.platform,
) -> Address:
    r"""Where ``name`` is found: ``<directory>/<name>.sock``, or ``\\.\pipe\<name>`` on Windows.

    With ``private_to``, the number of a user, it is in that user's private directory in ``directory``.

    ``directory`` ``"runtime"`` is this user's own. Raises a CallerError ``ERR_INVALID_NAME`` or
    ``ERR_ADDRESS_TOO_LONG``, or a SystemError ``ERR_NO_RUNTIME_DIRECTORY``."""
    _check_name(name)
    if platform == "win32":
        return Address("named-pipe", _check_pipe(f"{_PIPE_PREFIX}{name}"))
    if directory == "runtime":
        directory = runtime_directory(platform)
    inside = "" if private_to is None else f"/sealpipe-{private_to}"
    path = f"{directory.rstrip('/')}{inside}/{name}.sock"
    return Address("unix-socket", _check_socket_path(path, platform), trust, is_private=private_to is not None)


def room_behind(directory: str, staging_bytes: int, platform: str = sys.platform) -> int:
    """The bytes left for a name in the path of a socket that is staged ``staging_bytes`` below the directory.

    Raises a CallerError ``ERR_ADDRESS_TOO_LONG``.
    """
    directory_bytes = len(os.fsencode("" if directory == "/" else directory))
    highest = _highest_socket_path_bytes(platform) - staging_bytes
    if directory_bytes > highest:
        raise CallerError(
            "ERR_ADDRESS_TOO_LONG",
            f"the directory {directory} has {directory_bytes} bytes; {highest} is the max with which a server can "
            f"listen on this platform, as its socket is bound {staging_bytes} bytes deeper before it is shown",
        )
    return highest - directory_bytes


def _highest_socket_path_bytes(platform: str) -> int:
    """Max bytes of a path in sockaddr_un.sun_path, without the zero byte at its end."""
    return 107 if platform == "linux" else 103


def _check_socket_path(path: str, platform: str) -> str:
    path_bytes = len(os.fsencode(path))
    highest = _highest_socket_path_bytes(platform)
    if path_bytes <= highest:
        return path
    raise CallerError(
        "ERR_ADDRESS_TOO_LONG",
        f"the socket's path {path} has {path_bytes} bytes; {highest} is the max on this platform",
    )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        raise CallerError("ERR_INVALID_NAME", "a name must be a string that is not empty")
    if not _NAME.fullmatch(name) or ".." in name:
        raise CallerError(
            "ERR_INVALID_NAME",
            f'the name {name!r} is not allowed: use letters, digits, ".", "_" and "-", and no ".."',
        )


def _check_pipe(path: str) -> str:
    if len(path) <= _MAX_PIPE_NAME_LENGTH:
        return path
    raise CallerError(
        "ERR_ADDRESS_TOO_LONG",
        f"the pipe's name {path} has {len(path)} characters; {_MAX_PIPE_NAME_LENGTH} is the max",
    )
