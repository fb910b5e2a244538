"""The streams of a contract, from their caller's side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import RemoteError
from .contract import InvalidError, decode_part, encode_part
from .failures import received
from .finding import issues_text

if TYPE_CHECKING:
    from types import TracebackType

    from ..endpoint.streams.stream import Stream
    from .contract import Member

Out = TypeVar("Out")
In = TypeVar("In")


class StreamEnd:
    """What every stream has. ``async with`` gives it up at the end of the block, if it is not over by then."""

    def __init__(self, stream: Stream, member: Member) -> None:
        self.stream = stream
        """What it goes through."""
        self._member = member

    async def finished(self) -> None:
        """Returns once the other end has ended its direction; what still comes of it is dropped. So the caller of a
        stream that goes from it alone learns that its handler is done. Raises as reading does."""
        try:
            while await self.stream.read() is not None:
                pass
        except RemoteError as error:
            raise received(self._member, error) from error

    def close(self) -> None:
        """Wants no more items, and lets the other end know at once."""
        self.stream.reset("ERR_STREAM_STOPPED", "the caller wants no more items")

    def reset(self, code: str = "ERR_STREAM_RESET", message: str = "the stream was reset") -> None:
        """Ends both directions at once; the other end gets the code and the message."""
        self.stream.reset(code, message)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Source(StreamEnd, Generic[Out]):
    """A stream whose items this end reads: ``async for item in stream``."""

    async def read(self) -> Out | None:
        """The next item, or ``None`` at the end. Raises an error of the contract's; an InvalidError; a RemoteError for
        another reason of the other end's; others as a stream of the core."""
        try:
            item = await self.stream.read()
        except RemoteError as error:
            raise received(self._member, error) from error
        return None if item is None else self._value(item.data)

    def _value(self, data: bytes) -> Out:
        value, issues = decode_part(self._member.output, data)
        if issues:
            message = f'an item of "{self._member.name}" does not fit: {issues_text(issues)}'
            self.stream.reset("ERR_INVALID_OUTPUT", message)
            raise InvalidError("ERR_INVALID_OUTPUT", message, issues)
        result: Out = value
        return result

    def __aiter__(self) -> Source[Out]:
        return self

    async def __anext__(self) -> Out:
        try:
            item = await self.stream.read()
        except RemoteError as error:
            raise received(self._member, error) from error
        if item is None:
            raise StopAsyncIteration
        return self._value(item.data)

    async def __aenter__(self) -> Source[Out]:
        return self


class Sink(StreamEnd, Generic[In]):
    """A stream whose items this end writes."""

    async def write(self, item: In) -> None:
        """Sends an item, and waits while there is no room. Raises as reading does."""
        data = encode_part(self._member.items, item, f'an item of "{self._member.name}"')
        try:
            await self.stream.write(data)
        except RemoteError as error:
            raise received(self._member, error) from error

    def end(self) -> None:
        """No further item is sent."""
        self.stream.end()

    async def __aenter__(self) -> Sink[In]:
        return self


class CalledStream(Source[Out], Sink[In], Generic[Out, In]):
    """A stream with items both ways."""

    async def __aenter__(self) -> CalledStream[Out, In]:
        return self
