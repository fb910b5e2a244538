"""The context of a request or a stream.

Source: spec/protocol.md, "Context"; W3C Trace Context, sections 3.2 and 3.3."""

from __future__ import annotations

import re

from ...session import TraceContext
from .frame import encode_frame, invalid_frame

TRACEPARENT_BYTES = 26
MAX_TRACESTATE_BYTES = 512

# The version, the ids and the flags, and whatever a version above 0 has after them.
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)
_TRACESTATE = re.compile(r"[ -~]*")


def known_traceparent(text: str) -> str | None:
    """The traceparent in version 0, which is what this end can say of one of a later version; ``None`` if it is
    none."""
    match = _TRACEPARENT.fullmatch(text)
    if match is None or (match[1] == "00" and match[5] is not None):
        return None
    return f"00-{match[2]}-{match[3]}-{match[4]}"


def is_tracestate(text: str) -> bool:
    return len(text) <= MAX_TRACESTATE_BYTES and _TRACESTATE.fullmatch(text) is not None


def encode_context(kind: int, id: int, context: TraceContext) -> bytes:
    """The frame that goes ahead of a request or of the opening of a stream. The context is one that this end
    checked."""
    traceparent = bytes.fromhex(context.traceparent.replace("-", ""))
    return encode_frame(kind, b"".join((id.to_bytes(4, "big"), traceparent, (context.tracestate or "").encode())))


def decode_context(body: bytes) -> TraceContext:
    """``body`` follows the id. Raises a PeerError ``ERR_FRAME_INVALID``."""
    version, trace_id, parent_id, flags = body[0], body[1:17], body[17:25], body[25]
    tracestate = body[TRACEPARENT_BYTES:].decode("latin-1")
    if version == 0xFF:
        raise invalid_frame("a context of the version ff, which there is not")
    if not is_tracestate(tracestate):
        raise invalid_frame("a context whose tracestate is too long, or is not text")
    if not any(trace_id) or not any(parent_id):
        raise invalid_frame("a context with an id of zeros")
    return TraceContext(f"00-{trace_id.hex()}-{parent_id.hex()}-{flags:02x}", tracestate or None)
