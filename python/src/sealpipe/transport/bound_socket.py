"""A socket that listens, and which file it is at its address."""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .address_errors import listen_failed
from .net_transport import NetTransport
from .socket_file import ClaimOptions, claim_address
from .staging_directory import make_staging_directory
from .trust import check_directory_own

if TYPE_CHECKING:
    from .address import Address
    from .file_identity import FileIdentity
    from .transport import ListenOptions

_OWNER_ONLY = 0o600
_ALL_USERS = 0o777
# How many clients may wait to be accepted; past it the system turns them away. Linux takes no more by default.
_BACKLOG = 4_096
# From Python 3.13 on asyncio would remove the path of the bind, whatever lies there by then.
_KEEP_PATH: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}


@dataclass(frozen=True)
class BoundSocket:
    server: asyncio.AbstractServer
    identity: FileIdentity


async def bind_socket(address: Address, options: ListenOptions) -> BoundSocket:
    """Binds the socket out of sight, in a directory that no one else can enter, and shows it at its address in one step
    with its final mode.

    The process's umask has no say and there is no moment at which the mode is wrong.
    """
    staging = None
    server: asyncio.AbstractServer | None = None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        check_directory_own(address)
        staging = make_staging_directory(address)
        sock.bind(staging.socket_path)
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: NetTransport(options.accepted), sock=sock, backlog=_BACKLOG, **_KEEP_PATH
        )
        mode = _ALL_USERS if options.open_to_all_users else _OWNER_ONLY
        identity = await claim_address(address, ClaimOptions(staging, mode, options.is_alive))
        return BoundSocket(server, identity)
    except BaseException as error:
        if server is None:
            sock.close()
        else:
            server.close()
        if isinstance(error, OSError):
            raise listen_failed(address, error) from error
        raise
    finally:
        if staging is not None:
            staging.remove()
