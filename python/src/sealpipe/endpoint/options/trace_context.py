"""The trace that a request or a stream of this end belongs to."""

from __future__ import annotations

from ...errors import CallerError
from ...protocol.native.wire.trace_context import is_tracestate, known_traceparent
from ...protocol.session import TraceContext


def checked_context(context: TraceContext | None) -> TraceContext | None:
    """What this end can say of it. Raises a CallerError ``ERR_INVALID_ARGUMENT``."""
    if context is None:
        return None
    if not isinstance(context, TraceContext):
        raise CallerError("ERR_INVALID_ARGUMENT", f"context must be a TraceContext, not {type(context).__name__}")
    traceparent = known_traceparent(context.traceparent)
    if traceparent is None:
        raise CallerError("ERR_INVALID_ARGUMENT", f"{context.traceparent!r} is no traceparent of W3C Trace Context")
    tracestate = context.tracestate or None
    if tracestate is not None and not is_tracestate(tracestate):
        raise CallerError("ERR_INVALID_ARGUMENT", "a tracestate is up to 512 printable ASCII characters")
    return TraceContext(traceparent, tracestate)
