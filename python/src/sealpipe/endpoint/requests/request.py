"""Requests from the peer, and the answers to those of this end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..messages.message import Message, MessageData
from ..messages.payload import Payload

if TYPE_CHECKING:
    from ...protocol.session import TraceContext


@dataclass(slots=True, unsafe_hash=True)
class Answer(Payload):
    """The answer to a request: ``data`` is what the handler returned."""


@dataclass(slots=True, unsafe_hash=True)
class Request(Message):
    """A request from the peer: the argument of a handler."""

    context: TraceContext | None = None
    """The trace that it belongs to, if its sender said so."""


C = TypeVar("C")


@dataclass(slots=True, unsafe_hash=True, kw_only=True)
class RequestFrom(Request, Generic[C]):
    """A request from a client to a server."""

    connection: C
    """The connection on which it arrived."""


HandlerAnswer = MessageData | None
"""What a handler may return; ``None`` is an answer without data."""

R = TypeVar("R", bound=Request)

RequestHandler = Callable[[R], HandlerAnswer | Awaitable[HandlerAnswer]]
"""Answers requests of one type.

If it raises, the peer's request raises a ``RemoteError`` with the exception's ``code``, if that is a string of 1 to 64
characters of ``A-Z 0-9 _``, or else ``ERR_HANDLER_FAILED``, and with its message. The traceback is not sent."""
