"""The same for asyncio.

>>> import asyncio
>>> import sealpipe.aio
>>> async def main():
...     async with sealpipe.aio.serve("my-app") as server:
...         async with sealpipe.aio.connect("my-app", connect_timeout=5) as client:
...             await client.write(5, "hello")
...             message = await server.read()
...             await message.connection.write(6, message.text.upper())
...             print((await client.read(timeout=1)).text)
>>> asyncio.run(main())
HELLO
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .endpoint.addresses import address_of
from .endpoint.admin.admin_handlers import ShutdownRequest
from .endpoint.admin.description import ServerDescription
from .endpoint.client.client import Client
from .endpoint.link.lost_session import LostSession
from .endpoint.messages.message import Message, MessageFrom
from .endpoint.options.options import ClientOptions, Retry, ServerOptions
from .endpoint.options.parse_options import parse_client_options, parse_server_options
from .endpoint.options.secret import with_secret
from .endpoint.requests.request import Answer, Request, RequestFrom
from .endpoint.server.connection import Connection, ConnectionStream
from .endpoint.server.server import Server
from .endpoint.streams.item import Item
from .endpoint.streams.stream import Stream
from .protocol.native.options import NativePeer
from .protocol.session import TraceContext

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from types import TracebackType
    from typing import Any

    from typing_extensions import Unpack

    from .endpoint.endpoint import Endpoint

__all__ = [
    "Answer",
    "Client",
    "ClientOptions",
    "Connection",
    "ConnectionMessage",
    "ConnectionRequest",
    "ConnectionStream",
    "Item",
    "LostSession",
    "Message",
    "NativePeer",
    "Request",
    "Retry",
    "Server",
    "ServerDescription",
    "ServerOptions",
    "ShutdownRequest",
    "Stream",
    "TraceContext",
    "connect",
    "create_client",
    "serve",
]

ConnectionMessage = MessageFrom[Connection]
"""A message that arrived at a server, with its connection."""

ConnectionRequest = RequestFrom[Connection]
"""A request from a client to a server, with its connection."""

E = TypeVar("E", bound="Endpoint[Any]")


class Starting(Generic[E]):
    """``await`` it for the endpoint, or use it in ``async with``, which closes the endpoint at the end."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, E]]) -> None:
        self._start = start
        self._started: E

    def __await__(self) -> Generator[Any, None, E]:
        return self._start().__await__()

    async def __aenter__(self) -> E:
        self._started = await self._start()
        return self._started

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._started.close()


def serve(name: str, **options: Unpack[ServerOptions]) -> Starting[Server]:
    r"""Starts a server that clients find by ``name``: ``/tmp/<name>.sock``, or ``\\.\pipe\<name>`` on Windows.

    ``await`` it, or ``async with`` it. A socket that a killed server left behind is replaced; a server that is alive is
    not. Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or ``ERR_INVALID_OPTION``, at once; then a
    SystemError ``ERR_ADDRESS_IN_USE``, ``ERR_ADDRESS_UNTRUSTED``, ``ERR_NO_RUNTIME_DIRECTORY`` or
    ``ERR_LISTEN_FAILED``.
    """
    parsed = parse_server_options(options)
    address = address_of(name, parsed)

    async def start() -> Server:
        return await Server(name, address, with_secret(parsed)).listen()

    return Starting(start)


def connect(name: str, **options: Unpack[ClientOptions]) -> Starting[Client]:
    """Connects to the server with that name; waits for a server that is not there yet.

    ``await`` it, or ``async with`` it. Raises a CallerError ``ERR_INVALID_NAME``, ``ERR_ADDRESS_TOO_LONG`` or
    ``ERR_INVALID_OPTION``, at once; then a SystemError ``ERR_CONNECT_TIMEOUT``, ``ERR_CONNECT_FAILED``,
    ``ERR_ADDRESS_UNTRUSTED`` or ``ERR_NO_RUNTIME_DIRECTORY``, or a PeerError for a failure of the handshake that
    another try cannot mend."""
    parsed = parse_client_options(options)
    address = address_of(name, parsed)

    async def start() -> Client:
        return await Client(name, address, with_secret(parsed)).established()

    return Starting(start)


def create_client(name: str, **options: Unpack[ClientOptions]) -> Client:
    """The same without the wait: returns the client at once, ``connecting``. Needs a running event loop.

    Use it to show the client's status, to write its first messages, or to close it before there is a server. If it
    cannot connect for good, its ``status`` becomes ``error`` or ``timeout``, and its reads raise the reason."""
    parsed = parse_client_options(options)
    return Client(name, address_of(name, parsed), with_secret(parsed))
