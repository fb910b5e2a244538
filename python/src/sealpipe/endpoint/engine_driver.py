"""An engine on a transport, with its timer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..crypto import SYSTEM_CRYPTO
from ..protocol.engine import ClosedEvent, Engine, EngineEvent, EngineOptions, OpenEvent, Role
from ..protocol.message import MessageContent
from ..protocol.patience import Patience
from ..protocol.send_buffer import BATCH_BYTES
from .inbox import closed_error

if TYPE_CHECKING:
    from ..errors import PeerError
    from ..protocol.limits import EngineLimits
    from ..transport.transport import Transport
    from .handshake_turns import HandshakeTurns
    from .read_quota import ReadQuota


@dataclass(frozen=True)
class DriverOptions:
    role: Role
    encryption: bool
    limits: EngineLimits
    quota: ReadQuota
    """What the application has yet to read of the messages that are told."""
    turns: HandshakeTurns | None = None
    """Where the costly steps of the handshake wait for their turn. Without it they are taken at once."""


class DriverHandler(Protocol):
    """Who is told what happens to an engine."""

    def opened(self, event: OpenEvent) -> None: ...

    def message(self, content: MessageContent) -> None: ...

    def progressed(self) -> None:
        """Some of what was written has left this process."""

    def closed(self, error: PeerError | None) -> None:
        """The engine is over; without an error, in order. Nothing is told after it but ``released``."""

    def released(self) -> None:
        """The transport is gone and nothing of it is held any more."""


class EngineDriver:
    """Moves bytes between the two, writes once per turn of the event loop, and stops reading while the application has
    too much to read."""

    def __init__(self, transport: Transport, options: DriverOptions, handler: DriverHandler) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._handler = handler
        self._quota = options.quota
        self._turns = options.turns
        self._awaits_turn = False
        """What has arrived of the handshake is left alone until then."""
        self._close_timeout = options.limits.close_timeout
        self._opened = False
        """The handshake is over: from now on there are messages, which are subject to the quota."""
        self._pumping = False
        self._paused = False
        self._flush_scheduled = False
        self._ended = False
        """The transport has been told that nothing more will be written."""
        self._over = False
        """The engine's end has been told, or will not be."""
        self._failed = False
        """The engine failed: nothing is worth waiting for but its last words."""
        self._transport_gone = False
        """Nothing is asked of the transport any more."""
        self._timer: asyncio.TimerHandle | None = None
        self._linger_timer: asyncio.TimerHandle | None = None
        self._patience: Patience | None = None
        """With a peer that may still take what was written before the engine's end."""
        self._quota.on_room(self._room)
        self._engine = Engine(
            EngineOptions(
                role=options.role,
                encryption=options.encryption,
                limits=options.limits,
                crypto=SYSTEM_CRYPTO,
                now=self._loop.time,
            )
        )

    @property
    def queued_bytes(self) -> int:
        """Bytes that have not left this process."""
        return self._engine.queued_bytes + self._transport.pending_bytes

    @property
    def can_send(self) -> bool:
        """False once nothing that is sent can leave any more, though what had arrived may still be unread."""
        return not self._over and not self._transport_gone and not self._engine.is_spent

    def start(self) -> None:
        self._transport.start(self)
        self._pump()

    def send(self, type: int, data: bytes) -> None:
        """Takes a message; it leaves in this turn of the event loop. Raises as ``Engine.send``."""
        if not self.can_send:
            raise closed_error()
        self._engine.send(type, data)
        if self._engine.queued_bytes >= BATCH_BYTES:
            self._flush()
        elif not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._scheduled_flush)

    def close(self) -> None:
        """Ends the engine in order. ``closed`` and ``released`` follow."""
        self._engine.close()
        self._pump()

    def destroy(self) -> None:
        """Drops the connection. ``closed`` does not follow, ``released`` does."""
        self._over = True
        self._cancel_timer()
        self._leave_turns()
        self._drop()

    # From the transport.

    def chunk(self, chunk: bytes) -> None:
        self._engine.receive(chunk)
        self._await_turn()
        self._pump()

    def ended(self) -> None:
        self._engine.receive_end()
        self._pump()

    def drained(self) -> None:
        self._flush()
        self._arm_timer()
        if self._patience is not None:
            self._patience.left(self._unwritten_bytes, self._loop.time())
            self._linger(self._patience)
        self._handler.progressed()

    def closed(self, error: Exception | None) -> None:
        """What had arrived can still be read, and the engine is over only after that."""
        self._transport_gone = True
        self._cancel_linger()
        self._engine.receive_end(error)
        self._leave_turns()
        self._pump()
        self._handler.released()

    @property
    def _wants_more(self) -> bool:
        """An engine that ends is heard to its end, however much is unread: there is no more than what had arrived.

        Who waits to write has to learn of the end, even if it is who should read.
        """
        if self._awaits_turn:
            return False
        return not self._opened or self._engine.output_ended or self._transport_gone or not self._quota.is_full

    def _await_turn(self) -> None:
        """Before a step of the handshake that costs us much more than the peer."""
        if self._turns is None or self._awaits_turn or self._over:
            return
        if self._engine.state == "server-awaits-answer":
            self._turns.wait("fresh", self._take_turn)
        elif self._engine.state == "server-awaits-client-key":
            self._turns.wait("begun", self._take_turn)
        else:
            return
        self._awaits_turn = True

    def _take_turn(self) -> None:
        self._awaits_turn = False
        self._pump()

    def _leave_turns(self) -> None:
        self._awaits_turn = False
        if self._turns is not None:
            self._turns.leave(self._take_turn)

    def _room(self) -> None:
        if self._paused:
            self._pump()

    def _pump(self) -> None:
        # A handler may close, write or read, and so come back here.
        if self._pumping:
            return
        self._pumping = True
        try:
            while not self._over and self._wants_more:
                event = self._engine.next_event()
                if event is None:
                    break
                self._dispatch(event)
        finally:
            self._pumping = False
        self._pause_or_resume()
        self._flush()
        self._arm_timer()

    def _dispatch(self, event: EngineEvent) -> None:
        if isinstance(event, MessageContent):
            self._handler.message(event)
        elif isinstance(event, ClosedEvent):
            self._finish(event.error)
        else:
            self._opened = True
            self._handler.opened(event)

    def _finish(self, error: PeerError | None) -> None:
        self._over = True
        self._failed = error is not None
        self._cancel_timer()
        all_has_left = self._ended and self._transport.pending_bytes == 0
        if all_has_left or (error is not None and error.code == "ERR_CLOSE_TIMEOUT"):
            self._drop()
        elif not self._transport_gone:
            self._begin_linger()
        self._handler.closed(error)

    @property
    def _unwritten_bytes(self) -> int:
        return self._engine.queued_bytes + self._transport.pending_bytes

    def _begin_linger(self) -> None:
        """The peer may still read what was written to it, but it does not get for ever to do so."""
        self._patience = Patience(self._close_timeout, amount=self._unwritten_bytes, now=self._loop.time())
        self._linger(self._patience)

    def _linger(self, patience: Patience) -> None:
        self._cancel_linger()
        if not self._transport_gone:
            self._linger_timer = self._loop.call_at(patience.at, self._drop)

    def _cancel_linger(self) -> None:
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None

    def _drop(self) -> None:
        self._transport_gone = True
        self._transport.destroy()

    def _pause_or_resume(self) -> None:
        if self._transport_gone or self._paused != self._wants_more:
            return
        self._paused = not self._paused
        if self._paused:
            self._transport.pause()
        else:
            self._transport.resume()

    def _scheduled_flush(self) -> None:
        self._flush_scheduled = False
        self._flush()
        self._arm_timer()
        self._handler.progressed()

    def _flush(self) -> None:
        if self._transport_gone:
            return
        # One write at a time: more would be joined by the platform, and cut where it likes.
        while self._transport.pending_bytes == 0:
            write = self._engine.take_output()
            if not write:
                break
            self._transport.write(write)
        if self._engine.queued_bytes > 0 or not self._engine.output_ended or self._ended:
            return
        self._ended = True
        if self._failed:
            self._transport.end_and_destroy()
        else:
            self._transport.end()

    def _arm_timer(self) -> None:
        """One timer for all deadlines. One that is set too early finds nothing to do and sets the next."""
        at = self._engine.next_timeout()
        if at is None or self._over:
            return
        if self._timer is not None and self._timer.when() <= at:
            return
        self._cancel_timer()
        self._timer = self._loop.call_at(at, self._timed_out)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        # The loop calls a timer up to its clock's resolution early.
        at = self._engine.next_timeout()
        now = self._loop.time()
        self._engine.handle_timeout(at if at is not None and at - now < _RESOLUTION else now)
        self._pump()


_RESOLUTION = 0.001
