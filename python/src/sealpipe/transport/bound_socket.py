"""A socket that listens, and which file it is at its address."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .acceptor import Acceptor
from .address_errors import listen_failed
from .inherited import keep_to_this_process
from .socket_file import ClaimOptions, claim_address
from .staging_directory import make_staging_directory
from .trust import check_directory_own

if TYPE_CHECKING:
    from .address import Address
    from .file_identity import FileIdentity
    from .transport import ListenOptions

_OWNER_ONLY = 0o600
_ALL_USERS = 0o777


@dataclass(frozen=True)
class BoundSocket:
    acceptor: Acceptor
    identity: FileIdentity


async def bind_socket(address: Address, options: ListenOptions) -> BoundSocket:
    """Binds the socket out of sight, in a directory that no one else can enter, and shows it at its address in one step
    with its final mode.

    The process's umask has no say and there is no moment at which the mode is wrong.
    """
    staging = None
    sock = acceptor = None
    try:
        sock = keep_to_this_process(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        check_directory_own(address)
        staging = make_staging_directory(address)
        sock.bind(staging.socket_path)
        acceptor = Acceptor(sock, options)
        mode = _ALL_USERS if options.open_to_all_users else _OWNER_ONLY
        identity = await claim_address(address, ClaimOptions(staging, mode, options.is_alive))
        return BoundSocket(acceptor, identity)
    except BaseException as error:
        held = acceptor or sock
        if held is not None:
            held.close()
        if isinstance(error, OSError):
            raise listen_failed(address, error) from error
        raise
    finally:
        if staging is not None:
            staging.remove()
