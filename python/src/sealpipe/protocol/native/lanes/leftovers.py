"""What was under way in the lanes of a session that was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...message import MessageContent
from ...session import RequestContent
from ..wire.frame import FRAME_HEADER_BYTES, FRAME_KINDS, REQUEST, frame_bytes, read_uint32
from ..wire.trace_context import decode_context
from .push_body import Body

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...session import TraceContext

_CONTEXT = FRAME_KINDS["request-context"]


def decode_messages(drained: Iterable[bytes | Body]) -> list[MessageContent]:
    """The messages in what ``SendLane.drain`` gives."""
    messages: list[MessageContent] = []
    for one in drained:
        if isinstance(one, Body):
            messages.append(MessageContent(one.fields[0], one.data))
        else:
            messages += [MessageContent(read_uint32(body, 0), body[4:]) for _, body in _frames_of(one)]
    return messages


def decode_requests(drained: Iterable[bytes | Body]) -> list[RequestContent]:
    """The application's requests in what ``SendLane.drain`` gives. What a client asked of the server's library
    concerned a server that is gone."""
    requests: list[RequestContent] = []
    for one in drained:
        if isinstance(one, Body):
            context = decode_context(one.ahead[FRAME_HEADER_BYTES + 4 :]) if one.ahead else None
            id, type = one.fields
            requests.append(RequestContent(id, type, one.data, context))
        else:
            requests += _requests_in(one)
    return requests


def _requests_in(run: bytes) -> Iterator[RequestContent]:
    context: TraceContext | None = None
    for kind, body in _frames_of(run):
        if kind == _CONTEXT:
            context = decode_context(body[4:])
            continue
        if kind == REQUEST:
            yield RequestContent(read_uint32(body, 0), read_uint32(body, 4), body[8:], context)
        context = None


def _frames_of(run: bytes) -> Iterator[tuple[int, bytes]]:
    """The kinds and bodies of the frames that follow one another."""
    offset = 0
    while offset < len(run):
        end = offset + frame_bytes(run, offset)
        yield run[offset], run[offset + FRAME_HEADER_BYTES : end]
        offset = end
