"""The handlers of requests or of streams, one for each type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ..errors import CallerError
from ..protocol.message import check_type

if TYPE_CHECKING:
    from collections.abc import Callable

H = TypeVar("H")
F = TypeVar("F")


class Handlers(Generic[H]):
    def __init__(self, what: Literal["requests", "streams"], others: Handlers[H] | None = None) -> None:
        """``others`` are used for types that have no handler here: for a connection, its server's."""
        self._what = what
        self._others = others
        self._handlers: dict[int | None, H] = {}
        """``None`` is for all types without a handler."""

    def add(self, type: int | None, handler: H) -> None:
        """Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE`` or ``ERR_INVALID_ARGUMENT``."""
        if type is not None:
            check_type(type)
        if not callable(handler):
            raise CallerError("ERR_INVALID_ARGUMENT", f"a handler of {self._what} must be a function, not {handler!r}")
        if type in self._handlers:
            which = "any type" if type is None else f"type {type}"
            raise CallerError("ERR_INVALID_ARGUMENT", f"{self._what} of {which} have a handler already")
        self._handlers[type] = handler

    def remove(self, type: int | None) -> None:
        """Calls of it that have begun go on."""
        self._handlers.pop(type, None)

    @property
    def types(self) -> list[int]:
        """The types that have a handler of their own here."""
        return [type for type in self._handlers if type is not None]

    def find(self, type: int) -> H | None:
        own = self._find_own(type)
        return self._find_own(None) if own is None else own

    def _find_own(self, type: int | None) -> H | None:
        own = self._handlers.get(type)
        if own is None and self._others is not None:
            return self._others._find_own(type)
        return own


def adding(handlers: Handlers[Any], type: int | None) -> Callable[[F], F]:
    """A decorator that adds a handler of that type."""

    def add(handler: F) -> F:
        handlers.add(type, handler)
        return handler

    return add
