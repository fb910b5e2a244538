"""sealpipe: encrypted messages between two processes on one machine, by name. Speaks golang-ipc's wire.

This module blocks; ``sealpipe.aio`` is the same for asyncio.

>>> import sealpipe
>>> with sealpipe.serve("my-app") as server, sealpipe.connect("my-app", connect_timeout=5) as client:
...     client.write(5, "hello")
...     message = server.read()
...     message.connection.write(6, message.text.upper())
...     print(client.read(timeout=1).text)
HELLO
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blocking.client import Client
from .blocking.server import Connection, Server
from .endpoint.client import Client as _AsyncClient
from .endpoint.message import Message, MessageFrom
from .endpoint.options import ClientOptions, ServerOptions, address_of, parse_client_options, parse_server_options
from .endpoint.server import Server as _AsyncServer
from .endpoint.status import Status
from .errors import ERROR_CODES, CallerError, Fault, PeerError, SealpipeError, SystemError

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "ERROR_CODES",
    "CallerError",
    "Client",
    "ClientOptions",
    "Connection",
    "ConnectionMessage",
    "Fault",
    "Message",
    "PeerError",
    "SealpipeError",
    "Server",
    "ServerOptions",
    "Status",
    "SystemError",
    "connect",
    "create_client",
    "serve",
]

__version__ = "0.1.0"

ConnectionMessage = MessageFrom[Connection]
"""A message that arrived at a server, with the connection that it came by."""


def serve(name: str, **options: Unpack[ServerOptions]) -> Server:
    r"""Starts a server that clients find by ``name``: ``/tmp/<name>.sock``, or ``\\.\pipe\<name>`` on Windows.

    Returns once it listens; ``with`` closes it. A socket that a killed server left behind is replaced; a server that is
    alive is not. Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or ``ERR_INVALID_OPTION``, or a
    SystemError ``ERR_ADDRESS_IN_USE``, ``ERR_ADDRESS_UNTRUSTED``, ``ERR_NO_RUNTIME_DIRECTORY`` or
    ``ERR_LISTEN_FAILED``.
    """
    parsed = parse_server_options(options)
    address = address_of(name, parsed.directory)
    return Server(lambda: _AsyncServer(name, address, parsed))


def connect(name: str, **options: Unpack[ClientOptions]) -> Client:
    """Connects to the server of that name; waits for one that is not there yet. ``with`` closes it.

    Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or ``ERR_INVALID_OPTION``, a SystemError
    ``ERR_CONNECT_TIMEOUT``, ``ERR_CONNECT_FAILED``, ``ERR_ADDRESS_UNTRUSTED`` or ``ERR_NO_RUNTIME_DIRECTORY``, or a
    PeerError for a failure of the handshake that trying again does not mend.
    """
    parsed = parse_client_options(options)
    address = address_of(name, parsed.directory, parsed.trust)
    return Client(lambda: _AsyncClient(name, address, parsed), wait=True)


def create_client(name: str, **options: Unpack[ClientOptions]) -> Client:
    """The same without the wait: the client is there at once, ``connecting``.

    For those who show its status, write what shall go out first, or close it before there is a server. If it cannot
    connect for good, its ``status`` becomes ``error`` or ``timeout``, and what reads from it raises the reason.
    """
    parsed = parse_client_options(options)
    address = address_of(name, parsed.directory, parsed.trust)
    return Client(lambda: _AsyncClient(name, address, parsed), wait=False)
