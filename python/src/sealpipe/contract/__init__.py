"""What code stands on that ``sealpipe contract generate --python`` has written, for asyncio.

Programs use the generated code, and of this module the types that it shows: streams and errors."""

from __future__ import annotations

from .caller import Caller, emit
from .contract import Contract, DeclaredError, InvalidError, Member
from .ends import CallableEndpoint, Endpoint, Handling
from .finding import Issue
from .implementer import Implementer
from .starting import bind, connect, serve
from .streams import CalledStream, Sink, Source

__all__ = [
    "CallableEndpoint",
    "CalledStream",
    "Caller",
    "Contract",
    "DeclaredError",
    "Endpoint",
    "Handling",
    "Implementer",
    "InvalidError",
    "Issue",
    "Member",
    "Sink",
    "Source",
    "bind",
    "connect",
    "emit",
    "serve",
]
