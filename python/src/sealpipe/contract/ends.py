"""The ends that a contract can be called and implemented on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..endpoint.client.client import Client
from ..endpoint.server.connection import Connection
from ..endpoint.server.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

CallableEndpoint = Client | Connection
"""What a contract can be called through."""
Endpoint = Server | Client | Connection
"""What a contract can be implemented on."""


class Handling(NamedTuple):
    """What implements a contract: an object with a function for each method and each stream, the names of those, and
    what makes of an endpoint what they are given as their caller."""

    handlers: Any
    names: dict[str, str]
    caller: Callable[[Any], Any]
