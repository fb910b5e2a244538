"""A client that stays connected, for programs without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..endpoint.message import Message, MessageData
from .endpoint import BlockingEndpoint
from .root import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint.client import Client as AsyncClient
    from ..protocol.profile import ProfileName


class Client(BlockingEndpoint[Message]):
    """Made by :func:`sealpipe.connect` or :func:`sealpipe.create_client`."""

    _inner: AsyncClient

    def __init__(self, make: Callable[[], AsyncClient], *, wait: bool) -> None:
        async def start() -> AsyncClient:
            client = make()
            return await client.connected() if wait else client

        self._root = Root(start)
        super().__init__(self._root.inner, self._root.thread)

    @property
    def name(self) -> str:
        """The name it was started with."""
        return self._inner.name

    @property
    def address(self) -> str:
        """Where it connects: the socket's path or the pipe's name."""
        return self._inner.address

    @property
    def profile(self) -> ProfileName:
        """The protocol that is spoken, or was last: ``"classic"`` is golang-ipc's."""
        return self._inner.profile

    @property
    def encrypted(self) -> bool:
        """Whether the wire is encrypted, or was when last connected."""
        return self._inner.encrypted

    @property
    def queued_bytes(self) -> int:
        """Bytes that were written and have not left this process."""
        return self._inner.queued_bytes

    def write(self, type: int, data: MessageData) -> None:
        """Takes a message for the server, and waits while a quarter of ``max_queued_bytes`` is still to be sent.

        While the client reconnects, messages wait for the connection, in order, unless ``offline_queue`` is off. On the
        classic wire nothing tells what the server has read: a message that was on its way when the connection broke
        may or may not have arrived.

        Raises a CallerError ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``, ``ERR_INVALID_ARGUMENT``,
        ``ERR_MESSAGE_TOO_LARGE`` or ``ERR_CLOSED``; or a PeerError ``ERR_TOO_LARGE_FOR_PEER``, ``ERR_NOT_CONNECTED`` if
        ``offline_queue`` is off, or ``ERR_QUEUE_FULL`` if several threads write and did not wait for each other.
        """
        self._thread.run(self._inner.write(type, data))

    def flush(self) -> None:
        """Returns once everything written has left this process; waits for the connection where there is none.

        Raises a PeerError ``ERR_CONNECTION_LOST`` where the connection broke with something still to be sent, what else
        made it fail, or a CallerError ``ERR_CLOSED``.
        """
        self._thread.run(self._inner.flush())

    def close(self) -> None:
        """Ends the client in order: what was written is sent first, reads that wait raise ``ERR_CLOSED``.

        What was not read is dropped, and so is what waits for a connection that is not there; ``flush`` first to wait
        for it. Returns once it is closed: a peer gets ``close_timeout`` to take each
        tenth of what was written, and ten times that in all.
        """
        self._root.close()

    def destroy(self, error: BaseException | None = None) -> None:
        """Drops the connection, and what was written with it. Reads that wait raise ``error``."""
        self._root.end(lambda: self._inner.destroy(error))

    def _message_of(self, message: Message) -> Message:
        return message
