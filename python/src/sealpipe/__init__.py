"""sealpipe: encrypted messages between two processes on one machine, by name. Speaks golang-ipc's wire, and
with another sealpipe end its own.

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
from .blocking.server import Connection, ConnectionStream, Server
from .blocking.stream import Stream
from .endpoint.addresses import address_of
from .endpoint.admin.admin_handlers import ShutdownRequest
from .endpoint.admin.description import ServerDescription
from .endpoint.call_options import demand
from .endpoint.messages.message import Message, MessageFrom
from .endpoint.options.options import ClientOptions, Retry, ServerOptions
from .endpoint.options.parse_options import parse_client_options, parse_server_options
from .endpoint.options.secret import with_secret
from .endpoint.requests.request import Answer, Request, RequestFrom
from .endpoint.status import Status
from .endpoint.streams.item import Item
from .errors import ERROR_CODES, CallerError, Fault, PeerError, RemoteError, SealpipeError, SystemError
from .protocol.session import TraceContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

__all__ = [
    "ERROR_CODES",
    "Answer",
    "CallerError",
    "Client",
    "ClientOptions",
    "Connection",
    "ConnectionMessage",
    "ConnectionRequest",
    "ConnectionStream",
    "Fault",
    "Item",
    "Message",
    "PeerError",
    "RemoteError",
    "Request",
    "Retry",
    "SealpipeError",
    "Server",
    "ServerDescription",
    "ServerOptions",
    "ShutdownRequest",
    "Status",
    "Stream",
    "SystemError",
    "TraceContext",
    "connect",
    "create_client",
    "serve",
]

__version__ = "0.1.0"

ConnectionMessage = MessageFrom[Connection]
"""A message that arrived at a server, with its connection."""

ConnectionRequest = RequestFrom[Connection]
"""A request from a client to a server, with its connection."""


def serve(name: str, *, prepare: Callable[[Server], object] | None = None, **options: Unpack[ServerOptions]) -> Server:
    r"""Starts a server that clients find by ``name``: ``/tmp/<name>.sock``, or ``\\.\pipe\<name>`` on Windows.

    ``prepare`` is called with the server before it listens: what adds handlers there has them in place before the first
    request can come. A socket that a killed server left behind is replaced; a server that is alive is not. ``with``
    closes it.

    Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or ``ERR_INVALID_OPTION``, or a
    SystemError ``ERR_ADDRESS_IN_USE``, ``ERR_ADDRESS_UNTRUSTED``, ``ERR_NO_RUNTIME_DIRECTORY`` or
    ``ERR_LISTEN_FAILED``; or what ``prepare`` raises.
    """
    parsed = parse_server_options(options)
    demand(prepare is None or callable(prepare), "prepare", "None or something that can be called", prepare)
    address = address_of(name, parsed)
    return Server(name, address, with_secret(parsed), prepare)


def connect(name: str, **options: Unpack[ClientOptions]) -> Client:
    """Connects to the server with that name; waits for a server that is not there yet. ``with`` closes it.

    Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or ``ERR_INVALID_OPTION``, a SystemError
    ``ERR_CONNECT_TIMEOUT``, ``ERR_CONNECT_FAILED``, ``ERR_ADDRESS_UNTRUSTED`` or ``ERR_NO_RUNTIME_DIRECTORY``, or a
    PeerError for a failure of the handshake that another try cannot mend."""
    parsed = parse_client_options(options)
    address = address_of(name, parsed)
    return Client(name, address, with_secret(parsed), wait=True)


def create_client(name: str, **options: Unpack[ClientOptions]) -> Client:
    """The same without the wait: returns the client at once, with the status ``connecting``.

    Use it to show the client's status, to write its first messages, or to close it before there is a server. If it
    cannot connect for good, its ``status`` becomes ``error`` or ``timeout``, and its reads raise the reason."""
    parsed = parse_client_options(options)
    address = address_of(name, parsed)
    return Client(name, address, with_secret(parsed), wait=False)
