"""Messages on their way from the threads that write to the event loop's thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ..endpoint.messages.message import MESSAGE_OVERHEAD_BYTES, MessageData, to_bytes
from ..endpoint.reading.inbox import closed_error
from ..errors import SealpipeError
from ..protocol.message import check_message

if TYPE_CHECKING:
    from ..endpoint.options.parse_options import ParsedOptions
    from .event_loop import EventLoopThread


class Writer(Protocol):
    """The endpoint that sends the messages. It belongs to the loop's thread."""

    @property
    def queued_bytes(self) -> int: ...

    def _check_open(self) -> None:
        """Raises a CallerError ``ERR_CLOSED`` once it has ended. Any thread may call this."""

    def _take(self, type: int, data: bytes) -> None: ...

    def _hold(self) -> None:
        """What is taken from now on leaves with ``_send_now``."""

    def _send_now(self) -> None:
        """Sends what was held, or would leave at the end of this turn of the event loop."""

    async def _room(self) -> None:
        """Returns at once while there is room, or if nothing more can be queued, else when there is room."""


class Outbox:
    """A thread that writes does not wait for the loop's thread, unless too much waits to be sent.

    Messages keep the order in which each thread wrote them. The loop's thread is woken only if it does not know yet
    that there are any."""

    def __init__(self, writer: Writer, thread: EventLoopThread, options: ParsedOptions) -> None:
        self._writer = writer
        self._thread = thread
        self._max_message_bytes = options.max_message_bytes
        self._max_bytes = options.max_queued_bytes // 4
        """Threads wait while more than that is queued."""
        self._messages: deque[tuple[int, bytes]] = deque()
        # Reentrant, as a signal handler may write while its thread is writing. The loop's thread does not need it.
        self._lock = threading.RLock()
        self._pushed_bytes = 0
        self._pumped_bytes = 0
        """Of ``_pushed_bytes``: ``_writer_bytes`` counts them, if they are still queued."""
        self._handed_over_bytes = 0
        """Of ``_pushed_bytes``: the writer has them."""
        self._writer_bytes = 0
        """What the writer had queued when the loop's thread last looked."""
        self._pump = thread.bell(self._pump_if_there_is_room)
        self._awaits_room = False
        self._room = threading.Condition()
        self._waiting = 0
        """Threads that wait for room."""
        self._error: SealpipeError | None = None
        """What the writer refused a message by, which the next call raises."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that the writer does not have yet."""
        return self._pushed_bytes - self._handed_over_bytes

    # Called by threads that write.

    def push(self, type: int, data: MessageData) -> None:
        """Queues a message. Waits for room first.

        Raises if no message can be such, at the end, or what an earlier message was refused by; then this one is not
        queued."""
        if self._thread.is_of_parent:
            self._thread.check_is_own()
        taken = data if isinstance(data, bytes) else to_bytes(data)
        check_message(type, len(taken), self._max_message_bytes)
        while True:
            self._writer._check_open()
            if self._error is not None:
                self.raise_error()
            with self._lock:
                if self._pushed_bytes - self._pumped_bytes + self._writer_bytes <= self._max_bytes:
                    self._messages.append((type, taken))
                    self._pushed_bytes += len(taken) + MESSAGE_OVERHEAD_BYTES
                    break
            self._wait_for_room()
        if not self._pump.rings:
            self._pump.ring()

    def raise_error(self) -> None:
        """Raises what a message was refused by, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    @property
    def _is_full(self) -> bool:
        return self._pushed_bytes - self._pumped_bytes + self._writer_bytes > self._max_bytes

    def _wait_for_room(self) -> None:
        self._thread.check_may_wait()
        with self._room:
            self._waiting += 1
            try:
                while self._is_full:
                    # The loop's thread looks again: what it saw last may have left since.
                    if not self._pump.ring():
                        raise closed_error()
                    self._room.wait()
            finally:
                self._waiting -= 1

    # Called by the loop's thread.

    def pump(self) -> None:
        """Hands over to the writer all that is queued."""
        self._hand_over()
        self._look()
        self._tell_room()

    def _pump_if_there_is_room(self) -> None:
        """The same, once the writer has room: others may write to it, too."""
        self._look()
        if not self._awaits_room:
            self.pump()

    def _hand_over(self) -> None:
        messages, take = self._messages, self._writer._take
        self._writer._hold()
        try:
            for _ in range(len(messages)):
                type, data = messages.popleft()
                self._handed_over_bytes += len(data) + MESSAGE_OVERHEAD_BYTES
                try:
                    take(type, data)
                except SealpipeError as error:
                    self._error = self._error or error
        finally:
            # Otherwise the connection would hold back whatever it has to send.
            self._writer._send_now()

    def _look(self) -> None:
        self._writer_bytes = self._writer.queued_bytes
        if self._writer_bytes > self._max_bytes and not self._awaits_room:
            self._awaits_room = True
            self._thread.start(self._await_room())

    async def _await_room(self) -> None:
        await self._writer._room()
        self._awaits_room = False
        self._hand_over()
        # An end is room, too, whatever is queued then.
        self._writer_bytes = min(self._writer.queued_bytes, self._max_bytes)
        self._tell_room()

    def _tell_room(self) -> None:
        # Only now, or threads would see more room than there is.
        self._pumped_bytes = self._handed_over_bytes
        if self._waiting:
            with self._room:
                self._room.notify_all()
