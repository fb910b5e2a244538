"""One application payload with its type. Source: spec/protocol.md, "Message"."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import CallerError, PeerError

RESERVED_TYPE = 0
"""golang-ipc reserves it: readers drop such a message and writers refuse it."""

MAX_TYPE = 0xFFFF_FFFF


class MessageContent(NamedTuple):
    type: int
    """1 to 4294967295."""
    data: bytes


def check_type(type: int) -> None:
    """Raises a CallerError if no message or request can have such a type."""
    # In Python a bool is an int, but it is not a message type.
    if not isinstance(type, int) or isinstance(type, bool) or not 0 <= type <= MAX_TYPE:
        raise CallerError("ERR_TYPE_OUT_OF_RANGE", f"a message type is an integer from 1 to 4294967295, not {type!r}")
    if type == RESERVED_TYPE:
        raise CallerError("ERR_RESERVED_TYPE", "message type 0 is reserved; use 1 to 4294967295")


def check_message(type: int, data_bytes: int, max_message_bytes: int) -> None:
    """Raises a CallerError if no engine of this end could send such a message."""
    check_type(type)
    if data_bytes > max_message_bytes:
        raise CallerError(
            "ERR_MESSAGE_TOO_LARGE",
            f"a message of {data_bytes} bytes is over max_message_bytes ({max_message_bytes})",
        )


def check_peer_takes(data_bytes: int, peer_max_message_bytes: int) -> None:
    """Raises a PeerError if this end could send such a message, but the peer has declared that it does not accept
    one."""
    if data_bytes > peer_max_message_bytes:
        raise PeerError(
            "ERR_TOO_LARGE_FOR_PEER",
            f"a message of {data_bytes} bytes is over the peer's max_message_bytes ({peer_max_message_bytes})",
        )
