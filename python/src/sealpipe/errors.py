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
        "ERR_AUTHENTICATION_FAILED": "peer",
        "ERR_CLOSE_TIMEOUT": "peer",
        "ERR_CONNECTION_LOST": "peer",
        "ERR_CONTRACT_MISMATCH": "peer",
        "ERR_DECRYPTION_FAILED": "peer",
        "ERR_DESCRIPTION_INVALID": "peer",
        "ERR_ENCRYPTION_REQUIRED": "peer",
        "ERR_FELL_BEHIND": "peer",
        "ERR_FRAME_INVALID": "peer",
        "ERR_FRAME_TIMEOUT": "peer",
        "ERR_FRAME_TOO_LARGE": "peer",
        "ERR_FRAME_TOO_SHORT": "peer",
        "ERR_HANDLER_FAILED": "peer",
        "ERR_HANDSHAKE_INVALID": "peer",
        "ERR_HANDSHAKE_REJECTED": "peer",
        "ERR_HANDSHAKE_TIMEOUT": "peer",
        "ERR_INVALID_INPUT": "peer",
        "ERR_INVALID_OUTPUT": "peer",
        "ERR_INVALID_PUBLIC_KEY": "peer",
        "ERR_KEEPALIVE_TIMEOUT": "peer",
        "ERR_KEY_EXHAUSTED": "peer",
        "ERR_NOT_ALLOWED": "peer",
        "ERR_NOT_CONNECTED": "peer",
        "ERR_NO_HANDLER": "peer",
        "ERR_PEER_MESSAGE_TOO_LARGE": "peer",
        "ERR_PEER_NOT_NATIVE": "peer",
        "ERR_PEER_WITHOUT_ADMIN": "peer",
        "ERR_PEER_WITHOUT_STREAMS": "peer",
        "ERR_QUEUE_FULL": "peer",
        "ERR_READ_TIMEOUT": "peer",
        "ERR_REQUEST_TIMEOUT": "peer",
        "ERR_SESSION_LOST": "peer",
        "ERR_STREAM_RESET": "peer",
        "ERR_STREAM_STOPPED": "peer",
        "ERR_TOO_LARGE_FOR_PEER": "peer",
        "ERR_TOO_MANY_CONNECTIONS": "peer",
        "ERR_TOO_MANY_HANDSHAKES": "peer",
        "ERR_TOO_MANY_STREAMS": "peer",
        "ERR_VERSION_MISMATCH": "peer",
        "ERR_WINDOW_EXCEEDED": "peer",
        "ERR_ADDRESS_IN_USE": "system",
        "ERR_ADDRESS_LOST": "system",
        "ERR_ADDRESS_UNTRUSTED": "system",
        "ERR_CONNECT_FAILED": "system",
        "ERR_CONNECT_TIMEOUT": "system",
        "ERR_LISTEN_FAILED": "system",
        "ERR_NO_PARENT": "system",
        "ERR_NO_RUNTIME_DIRECTORY": "system",
        "ERR_SECRET_FILE": "system",
    }
)
"""Every code the library can give, with whose fault it is."""


class SealpipeError(Exception):
    """What every error of this library is an instance of.

    Tell errors apart by ``code``, which is stable; the message is for people and may change. The cause of an
    error, such as the system's own error, is its ``__cause__``.
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


class RemoteError(SealpipeError):
    """A request of this end failed at the other end: ``code`` and ``message`` are those of the exception that its
    handler raised.

    ``code`` is the other program's own, ``ERR_NO_HANDLER``, or ``ERR_HANDLER_FAILED`` if that exception had none. It
    ends only the request. A handler raises it to fail with a code, and data, of its own."""

    fault = "peer"

    def __init__(self, code: str, message: str, data: bytes = b"") -> None:
        super().__init__(code, message)
        self.args = (code, message, data)
        self.data = data
        """The ``data`` of the handler's exception, at most 65536 bytes; or none."""


class SystemError(SealpipeError):
    """The operating system refused or failed; ``__cause__`` has its own error where there is one."""

    fault = "system"
