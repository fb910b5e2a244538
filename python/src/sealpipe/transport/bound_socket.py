"""A listening socket, and the identity of its file."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .acceptor import Acceptor
from .address_errors import listen_failed
from .inherited import keep_to_this_process
from .private_directory import hold_directory
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

    The process's umask does not matter, and the mode is wrong at no moment."""
    try:
        with hold_directory(address) as held:
            return await _bind_there(held, options)
    except OSError as error:
        raise listen_failed(address, error) from error


async def _bind_there(address: Address, options: ListenOptions) -> BoundSocket:
    sock = acceptor = staging = None
    try:
        sock = keep_to_this_process(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        check_directory_own(address)
        staging = make_staging_directory(address)
        sock.bind(staging.socket_path)
        acceptor = Acceptor(sock, options)
        mode = _ALL_USERS if options.open_to_all_users else _OWNER_ONLY
        identity = await claim_address(address, ClaimOptions(staging, mode, options.is_alive))
        return BoundSocket(acceptor, identity)
    except BaseException:
        held = acceptor or sock
        if held is not None:
            held.close()
        raise
    finally:
        if staging is not None:
            staging.remove()
