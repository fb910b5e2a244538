"""The error classes and the one table of codes.

The codes are those of the TypeScript library; ``docs/errors.md`` says what each means and what to do about it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Literal

Fault = Literal["caller", "peer", "system"]
"""Whose fault an error is: the calling program's, the process's at the other end, or the system's between."""

ERROR_CODES: MappingProxyType[str, Fault] = MappingProxyType(
    {
        "ERR_ADDRESS_TOO_LONG": "caller",
        "ERR_CLOSED": "caller",
        "ERR_INVALID_ARGUMENT": "caller",
        "ERR_INVALID_NAME": "caller",
        "ERR_INVALID_OPTION": "caller",
        "ERR_MESSAGE_TOO_LARGE": "caller",
        "ERR_RESERVED_TYPE": "caller",
        "ERR_TYPE_OUT_OF_RANGE": "caller",
        "ERR_CLOSE_TIMEOUT": "peer",
        "ERR_CONNECTION_LOST": "peer",
        "ERR_DECRYPTION_FAILED": "peer",
        "ERR_ENCRYPTION_REQUIRED": "peer",
        "ERR_FRAME_TIMEOUT": "peer",
        "ERR_FRAME_TOO_LARGE": "peer",
        "ERR_FRAME_TOO_SHORT": "peer",
        "ERR_HANDSHAKE_INVALID": "peer",
        "ERR_HANDSHAKE_REJECTED": "peer",
        "ERR_HANDSHAKE_TIMEOUT": "peer",
        "ERR_INVALID_PUBLIC_KEY": "peer",
        "ERR_KEY_EXHAUSTED": "peer",
        "ERR_NOT_CONNECTED": "peer",
        "ERR_PEER_MESSAGE_TOO_LARGE": "peer",
        "ERR_QUEUE_FULL": "peer",
        "ERR_READ_TIMEOUT": "peer",
        "ERR_TOO_LARGE_FOR_PEER": "peer",
        "ERR_TOO_MANY_CONNECTIONS": "peer",
        "ERR_TOO_MANY_HANDSHAKES": "peer",
        "ERR_VERSION_MISMATCH": "peer",
        "ERR_ADDRESS_IN_USE": "system",
        "ERR_ADDRESS_LOST": "system",
        "ERR_ADDRESS_UNTRUSTED": "system",
        "ERR_CONNECT_FAILED": "system",
        "ERR_CONNECT_TIMEOUT": "system",
        "ERR_LISTEN_FAILED": "system",
        "ERR_NO_RUNTIME_DIRECTORY": "system",
    }
)
"""Every code the library can give, with whose fault it is."""


class SealpipeError(Exception):
    """What every error of this library is an instance of.

    Tell errors apart by ``code``, which is stable; the message is for people and may change. What is behind an
    error, such as the system's own, is its ``__cause__``.
    """

    fault: ClassVar[Fault]
    """Whose fault it is."""

    def __init__(self, code: str, message: str, cause: BaseException | None = None) -> None:
        # All arguments that it was made of, so that it can be copied and pickled.
        super().__init__(code, message)
        self.code = code
        """What went wrong, stable across versions."""
        self.message = message
        if cause is not None:
            self.__cause__ = cause

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class CallerError(SealpipeError):
    """The calling program used the library in a way it cannot work; nothing was sent or taken."""

    fault = "caller"


class PeerError(SealpipeError):
    """The process at the other end did what the protocol does not allow, or nothing at all."""

    fault = "peer"


class SystemError(SealpipeError):
    """The operating system refused or failed; ``__cause__`` has its own error where there is one."""

    fault = "system"
