"""An engine on a transport, with its timer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...crypto import SYSTEM_CRYPTO
from ...protocol.engine import Engine
from ...protocol.engine_options import ClosedEvent, EngineEvent, EngineOptions, OpenEvent, ResumeEvent, Role
from ...protocol.profile import MessagesCame
from .handshake_steps import HandshakeSteps

if TYPE_CHECKING:
    from ...errors import PeerError
    from ...protocol.handshake.options import ProfileChoice
    from ...protocol.limits import EngineLimits
    from ...protocol.native.options import NativeOptions
    from ...transport.transport import Transport
    from ..reading.read_quota import ReadQuota
    from .driver_handler import ConnectionHandler, DriverHandler
    from .handshake_turns import HandshakeTurns


@dataclass(frozen=True)
class DriverOptions:
    role: Role
    encryption: bool
    limits: EngineLimits
    quota: ReadQuota
    """How much the application has yet to read of the delivered messages."""
    profile: ProfileChoice = "classic"
    secret: bytes | None = None
    native: NativeOptions | None = None
    """Options of the native profile; without them the engine speaks classic."""
    turns: HandshakeTurns | None = None
    """Where the costly steps of the handshake wait for their turn. Without it they are done at once."""


class EngineDriver:
    """Moves bytes between the two, writes once per turn of the event loop, and stops reading while the application has
    too much to read."""

    def __init__(self, transport: Transport, options: DriverOptions, handler: DriverHandler) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self.handler: ConnectionHandler = handler
        """May be replaced once the engine has opened."""
        self._opening = handler
        self._quota = options.quota
        self._pumping = False
        self._paused = False
        self._scheduled: asyncio.Handle | None = None
        """The flush of this turn, if there is to be one."""
        self._woke = False
        """Tasks were woken by the events that are being reported."""
        self._held = False
        """No flush is scheduled: the caller flushes."""
        self._ended = False
        """The transport's writing side is ended."""
        self._life: Literal["open", "ending", "draining", "gone"] = "open"
        """What is left of the engine and its transport: both; the transport alone, through which the last output leaves
        (``ending``); the engine alone, from which events of what had arrived are still fetched (``draining``); or
        neither."""
        self._timer: asyncio.TimerHandle | None = None
        self._quota.on_room(self._room)
        self._engine = Engine(
            EngineOptions(
                role=options.role,
                encryption=options.encryption,
                limits=options.limits,
                crypto=SYSTEM_CRYPTO,
                now=self._loop.time,
                profile=options.profile,
                secret=options.secret,
                native=options.native,
                waits_for_turns=options.turns is not None,
            )
        )
        self._handshake: HandshakeSteps | None = None
        """Until the handshake is over, if its steps take turns."""
        if options.turns is not None:
            self._handshake = HandshakeSteps(self._engine, options.turns, self._took_turn)

    @property
    def queued_bytes(self) -> int:
        """Bytes that have not left this process or, if the peer acknowledges, that it has not consumed."""
        return self._engine.queued_bytes + self._transport.pending_bytes

    @property
    def has_heard(self) -> bool:
        """Whether anything has arrived."""
        return self._engine.has_heard

    @property
    def can_send(self) -> bool:
        """False once nothing that is sent can leave any more, though what had arrived may still be unread."""
        return self._life == "open" and not self._engine.is_spent

    def start(self) -> None:
        self._transport.start(self)
        self._pump()

    def flush_soon(self) -> None:
        """The session has something to send: it leaves in this turn of the event loop."""
        # All that has arrived is processed first, and then everything that results from it is sent.
        if not self._pumping:
            self._schedule()

    def woke(self) -> None:
        """An event that was reported has woken a task, which may send something: that leaves in the same turn as the
        task runs, and not in another one after it."""
        if self._pumping:
            self._woke = True
        else:
            self._schedule()

    def flush_scheduled(self) -> None:
        """The application is about to wait: what would leave at the end of this turn leaves now, and what was held."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled_flush()
        elif self._held:
            self._scheduled_flush()

    def hold(self) -> None:
        """The session gets much to send at once: it leaves with ``flush_scheduled``, which has to follow."""
        self._held = True

    def flush_now(self) -> None:
        """The session has much to send."""
        if not self._pumping and self._life == "open":
            self._flush()
            self.flush_soon()

    def close(self) -> None:
        """Ends the engine in order. ``closed`` and ``released`` follow."""
        self._engine.close()
        self._pump()

    def destroy(self) -> None:
        """Drops the connection. ``closed`` does not follow, ``released`` does."""
        self._leave_handshake()
        self._drop()

    # Called by the transport.

    def chunk(self, chunk: bytes | memoryview) -> None:
        self._engine.receive(chunk)
        self._pump()

    def ended(self) -> None:
        self._engine.receive_end()
        self._pump()

    def drained(self) -> None:
        self._flush()
        self._arm_timer()
        self.handler.progressed()

    def closed(self, error: Exception | None) -> None:
        """What had arrived can still be read, and the engine ends only after that."""
        self._life = "gone" if self._is_over else "draining"
        self._engine.receive_end(error)
        self._pump()
        if self._is_over:
            self._drop()
        self.handler.released()

    @property
    def _wants_more(self) -> bool:
        """The events of an engine that ends are fetched to the last, however much is unread: it has no more messages
        or, if the transport is gone, only those that had arrived.

        A writer that waits has to learn of the end, even if the same code should be reading."""
        return not self._engine.needs_pausing or self._life == "draining" or not self._quota.is_full

    @property
    def _is_over(self) -> bool:
        """The engine's end has been reported, or will not be."""
        return self._life in ("ending", "gone")

    @property
    def _transport_gone(self) -> bool:
        """The transport is not used any more."""
        return self._life in ("draining", "gone")

    def _leave_handshake(self) -> None:
        if self._handshake is not None:
            self._handshake.leave()

    def _took_turn(self) -> None:
        self._opening.took_turn()
        self._pump()

    def _room(self) -> None:
        if self._paused:
            self._pump()

    def _pump(self) -> None:
        # A handler may close, write or read, and so call this again.
        if self._pumping:
            return
        self._pumping = True
        try:
            while not self._is_over and self._wants_more:
                event = self._engine.next_event()
                if event is None:
                    break
                if isinstance(event, MessagesCame):
                    self.handler.messages(event)
                    if self._engine.is_drained:
                        break
                else:
                    self._dispatch(event)
        finally:
            self._pumping = False
        if self._handshake is not None and self._handshake.advanced():
            self._handshake = None
        self._pause_or_resume()
        if self._woke:
            self._woke = False
            self._schedule()
            # That flush, which comes after the tasks, does the rest.
            if self._life == "open" and self._engine.unsent_bytes == 0:
                return
        self._flush()
        if self._life == "ending" and self._engine.is_done:
            self._drop()
        self._arm_timer()
        # Acknowledgements of the peer make room.
        if not self._is_over:
            self.handler.progressed()

    def _dispatch(self, event: EngineEvent) -> None:
        if isinstance(event, OpenEvent):
            self._opening.opened(event)
        elif isinstance(event, ResumeEvent):
            self._engine.resume(self._opening.resume(event.session_id))
        elif isinstance(event, ClosedEvent):
            self._finish(event.error)
        elif not isinstance(event, MessagesCame):
            self.handler.happened(event)

    def _finish(self, error: PeerError | None) -> None:
        self._leave_handshake()
        if self._life == "draining" or self._engine.is_done:
            self._drop()
        else:
            self._life = "ending"
        self.handler.closed(error)

    def _drop(self) -> None:
        self._cancel_timer()
        if not self._transport_gone:
            self._transport.destroy()
        self._life = "gone"
        self._engine.abandon()

    def _pause_or_resume(self) -> None:
        reads = self._wants_more and (self._handshake is None or not self._handshake.awaits_turn)
        if self._transport_gone or self._paused != reads:
            return
        self._paused = not self._paused
        if self._paused:
            self._transport.pause()
        else:
            self._transport.resume()

    def _schedule(self) -> None:
        if self._scheduled is None and not self._held and self._life == "open":
            self._scheduled = self._loop.call_soon(self._scheduled_flush)

    def _scheduled_flush(self) -> None:
        self._scheduled = None
        self._held = False
        self._flush()
        self._arm_timer()
        self.handler.progressed()

    def _flush(self) -> None:
        if self._transport_gone:
            return
        # One write at a time: the platform would join several, and cut them anywhere.
        while self._transport.pending_bytes == 0:
            write = self._engine.take_output()
            if not write:
                break
            self._transport.write(write)
            if not self._engine.has_more_output:
                break
        if self._ended or not self._engine.output_ended or self._engine.unsent_bytes > 0:
            return
        self._ended = True
        if self._engine.has_failed:
            self._transport.end_and_destroy()
        else:
            self._transport.end()

    def _arm_timer(self) -> None:
        """One timer for all deadlines. If it fires too early, it finds nothing to do and is set again."""
        at = self._engine.next_timeout()
        if at is None or self._life == "gone":
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
        # The loop calls a timer early, by up to its clock's resolution.
        at = self._engine.next_timeout()
        now = self._loop.time()
        self._engine.handle_timeout(at if at is not None and 0 < at - now < _RESOLUTION else now)
        self._pump()


_RESOLUTION = 0.001
