"""Handlers whose types are known, unlike a lambda's."""

from __future__ import annotations

from collections.abc import Callable

import sealpipe
from sealpipe.endpoint.messages.message import MessageData


def answering(answer: MessageData | None) -> Callable[[object], MessageData | None]:
    """Answers every request with that; as a handler of streams it does nothing."""

    def answer_it(_: object) -> MessageData | None:
        return answer

    return answer_it


def echo(request: sealpipe.Request) -> bytes:
    return request.data


def ignore_stream(_: object) -> None:
    """Neither reads the stream nor writes to it."""
