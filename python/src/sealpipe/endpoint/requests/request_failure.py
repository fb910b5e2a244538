"""The failure for what a handler raised."""

from __future__ import annotations

from ...errors import SealpipeError
from ...protocol.native.wire.failure import MAX_FAILURE_DATA_BYTES, is_failure_code
from ...protocol.session import Failure


def no_handler(type: int) -> Failure:
    return Failure("ERR_NO_HANDLER", f"nobody handles requests of type {type}")


def not_allowed() -> Failure:
    return Failure("ERR_NOT_ALLOWED", "the server's application does not allow this")


def cancelled() -> Failure:
    return Failure("ERR_HANDLER_FAILED", "the handler was cancelled")


def failure_of(raised: BaseException) -> Failure:
    code = getattr(raised, "code", None)
    message = raised.message if isinstance(raised, SealpipeError) else str(raised)
    if not is_failure_code(code):
        # Without a code of its own the error is not meant for the peer, and neither are its data.
        return Failure("ERR_HANDLER_FAILED", message or type(raised).__name__)
    data = getattr(raised, "data", None)
    if not isinstance(data, bytes) or not data:
        return Failure(str(code), message)
    if len(data) <= MAX_FAILURE_DATA_BYTES:
        return Failure(str(code), message, data)
    most = f"{len(data)} bytes of data, and {MAX_FAILURE_DATA_BYTES} is the max"
    return Failure("ERR_HANDLER_FAILED", f"the handler raised an error {code} with {most}")
