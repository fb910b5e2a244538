"""One connection, from the first byte of the handshake to its end, as a state machine."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from ..errors import PeerError
from .close import Close, CloseStart
from .engine_errors import (
    close_in_handshake_timeout,
    connection_lost,
    frame_timeout,
    handshake_timeout,
    key_exhausted,
)
from .engine_options import ClosedEvent, EngineEvent, EngineOptions, OpenEvent, ResumeEvent
from .handshake_failure import HandshakeFailure
from .handshake_sequence import HandshakeSequence
from .limits import HANDSHAKE_GRACE
from .patience import Patience
from .profile import IncomingEvent, PeerClosed, Profile
from .receive_buffer import ReceiveBuffer
from .send_buffer import SendBuffer
from .states import Input, State, next_state

if TYPE_CHECKING:
    from .handshake.handshake import HandshakeStep, Opened
    from .native.handshake import SessionAnswer


class _Timer(NamedTuple):
    """What the engine waits for, one at a time, and until when.

    A profile, a close and what lingers have times of their own."""

    name: Literal["handshake", "close-in-handshake", "frame"]
    at: float


@dataclass
class _Handshaking:
    handshake: HandshakeSequence
    close_requested: bool = False
    """It closes as soon as it is open."""


@dataclass
class _Open:
    profile: Profile
    opened_at: float


@dataclass
class _Closing:
    profile: Profile
    close: Close
    reason: PeerError | None
    """Why, if that is an error."""
    all_has_left: bool = False
    """Everything has left, and nothing will be added."""


@dataclass
class _Closed:
    profile: Profile | None
    failed: bool
    linger: Patience | None = None
    """How long the peer may still take what was written, if anything is worth waiting for."""


class Engine:
    """Bytes and times go in, events and bytes come out.

    The driver moves the bytes, fetches the events and calls ``handle_timeout`` at ``next_timeout``; nothing here
    waits. Bytes are decoded when the driver calls ``next_event``, not when they arrive, so a driver that stops
    calling it, and then stops reading, holds up the peer."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._input = ReceiveBuffer()
        self._output = SendBuffer()
        self._events: deque[EngineEvent] = deque()
        self._state: State = "client-awaits-hello" if options.role == "client" else "server-awaits-answer"
        handshake = HandshakeSequence(options)
        self._phase: _Handshaking | _Open | _Closing | _Closed = _Handshaking(handshake)
        self._profile: Profile | None = None
        """Once the handshake is over."""
        self._timer: _Timer | None = None
        self._lent_bytes = 0
        """In the write that was taken last."""
        self.has_heard = False
        """Whether the peer has sent anything."""
        self._peer_ended = False
        self._peer_end_cause: BaseException | None = None
        for part in handshake.start():
            self._output.push_alone(part)
        self._set_timer("handshake", options.limits.handshake_timeout)

    @property
    def state(self) -> State:
        return self._state

    @property
    def queued_bytes(self) -> int:
        """Bytes that were sent and have not left or, on the native profile, are not consumed by the peer."""
        profile = self._profile
        return len(self._output) + (0 if profile is None else profile.session.queued_bytes)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that ``take_output`` has yet to return."""
        profile = self._profile
        return len(self._output) + (0 if profile is None else profile.unsent_bytes)

    @property
    def has_more_output(self) -> bool:
        """Whether ``take_output``, which has just returned a write, has to be called again now: for more, or to learn
        that everything has left."""
        phase = self._phase
        return not isinstance(phase, _Open) or phase.profile.has_more_output or len(self._output) > 0

    @property
    def is_drained(self) -> bool:
        """Whether it is known that ``next_event`` has none until more happens."""
        phase = self._phase
        if not isinstance(phase, _Open) or not phase.profile.is_drained or self._peer_ended:
            return False
        return not self._events and len(self._input) == 0

    @property
    def next_step_is_costly(self) -> bool:
        """Whether the next step of the handshake costs much more than it cost the peer, and all it needs is there."""
        phase = self._phase
        return isinstance(phase, _Handshaking) and phase.handshake.is_costly(self._state, self._input)

    def allow_costly_step(self) -> None:
        """Lets one costly step be made when the next event is asked for, if costly steps have to be allowed."""
        if isinstance(self._phase, _Handshaking):
            self._phase.handshake.allow_costly_step()

    @property
    def needs_pausing(self) -> bool:
        """Whether the driver has to stop reading the transport while the application does not read."""
        profile = self._profile
        return profile is not None and profile.needs_pausing and not self.output_ended

    @property
    def is_spent(self) -> bool:
        """Whether its key has sealed as many payloads as it may: nothing more can be sent, and the engine closes."""
        return self._profile is not None and self._profile.is_spent

    @property
    def output_ended(self) -> bool:
        """True once nothing will be added to the output: when it is written, the driver ends the transport."""
        phase = self._phase
        if isinstance(phase, _Closing):
            return not phase.close.is_held and phase.profile.output_ended
        if isinstance(phase, _Closed):
            return phase.profile is None or phase.profile.output_ended
        return False

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error: when its output is written, the driver destroys the transport."""
        return isinstance(self._phase, _Closed) and self._phase.failed

    @property
    def is_done(self) -> bool:
        """Whether it is over, and nothing that is still to leave is worth waiting for: the driver destroys the
        transport."""
        return isinstance(self._phase, _Closed) and self._phase.linger is None

    def receive(self, chunk: bytes | memoryview) -> None:
        """Bytes from the peer, which are copied. Never raises because of their content."""
        if not chunk:
            return
        self.has_heard = True
        if self._profile is not None:
            self._profile.heard()
        if not isinstance(self._phase, _Open) and self._is_deaf:
            self._move("discard")
        else:
            self._input.push(chunk)

    def receive_end(self, cause: BaseException | None = None) -> None:
        """The peer will send no more, because it ended the transport or, if there is a ``cause``, that failed."""
        if not self._peer_ended:
            self._peer_end_cause = cause
        self._peer_ended = True
        if not self._is_deaf:
            return
        # What was written before the close, and had not left when the transport failed, never will.
        phase = self._phase
        lost = cause is not None and isinstance(phase, _Closing) and not phase.close.all_has_left
        self._finish("end", connection_lost("before everything written had left", cause) if lost else None)

    def next_event(self) -> EngineEvent | None:
        """The next event. Call it until there is none, after each call that changes the engine."""
        try:
            while not self._events:
                progress = self._advance()
                if progress is False:
                    break
                if progress is not True:
                    return progress
        except HandshakeFailure as failure:
            self._finish("fault", failure.error, failure.last_words)
        except PeerError as error:
            self._finish("fault", error)
        return self._events.popleft() if self._events else None

    def take_output(self) -> bytes:
        """The next write, or no bytes.

        Call it until there are none, but not before the transport has handed all of the last write to the system:
        then an empty result means that everything has left."""
        self._close_if_spent()
        write = self._output.take()
        if not write and self._profile is not None:
            write = self._profile.take_output()
        self._lent_bytes = len(write)
        phase = self._phase
        if isinstance(phase, _Open):
            return write
        if isinstance(phase, _Closing):
            phase.all_has_left = not write and self.output_ended
            phase.close.progressed(queued_bytes=self.queued_bytes, is_empty=not write, now=self._options.now())
        elif isinstance(phase, _Closed) and phase.linger is not None:
            phase.linger.left(self.unsent_bytes + self._lent_bytes, self._options.now())
        return write

    def close(self) -> None:
        """Ends the engine in order: what was sent leaves first; what has arrived and was not fetched by now is
        dropped.

        During the handshake the close waits until that is over, and a client's waits for a moment after it."""
        self._move("close")
        phase = self._phase
        if isinstance(phase, _Open):
            self._start_closing(phase, None)
        elif isinstance(phase, _Handshaking) and not phase.close_requested:
            # The handshake goes on, and needs what has arrived of its next part.
            phase.close_requested = True
            self._set_timer("close-in-handshake", self._close_in_handshake_seconds)

    def resume(self, session: SessionAnswer) -> None:
        """Answers a ``ResumeEvent``, in the same turn: with the session of that id, with why that is over, or with
        nothing if the server has no such session.

        The engine then checks whether the client can prove that the session is its own. If so, it opens, and the
        session's previous connection must neither send nor receive anything more."""
        phase = self._phase
        if self._state != "server-awaits-session" or not isinstance(phase, _Handshaking):
            return
        try:
            # An engine that closes takes no session over: the session stays with its connection.
            step = phase.handshake.resume(None if phase.close_requested else session)
        except HandshakeFailure as failure:
            self._finish("fault", failure.error, failure.last_words)
        else:
            self._perform(step)

    def abandon(self) -> None:
        """The transport is gone: the engine is not used any more."""
        self._finish("end")
        cast("_Closed", self._phase).linger = None
        if self._profile is not None:
            self._profile.finish(orderly=False, lost=True)

    def next_timeout(self) -> float | None:
        """When to call ``handle_timeout``, on the engine's clock; ``None`` for never."""
        phase = self._phase
        if isinstance(phase, _Closed):
            return None if phase.linger is None else phase.linger.at
        at = math.inf if self._timer is None else self._timer.at
        if isinstance(phase, _Closing):
            at = min(at, phase.close.at)
        if self._profile is not None:
            at = min(at, self._profile.next_timeout())
        return None if at == math.inf else at

    def handle_timeout(self, now: float) -> None:
        """Ends the engine, or its wait for the peer after the end, if a deadline has passed at ``now``. A call that is
        too early does nothing."""
        if self._timer is not None and now >= self._timer.at:
            self._finish("timeout", self._timeout_error(self._timer))
        phase = self._phase
        if isinstance(phase, _Closing) and now >= phase.close.at:
            end = phase.close.handle_timeout(now)
            if end is not None:
                self._finish("timeout", end[0])
        elif isinstance(phase, _Closed) and phase.linger is not None and now >= phase.linger.at:
            phase.linger = None
        if self._profile is not None and not isinstance(self._phase, _Closed):
            try:
                self._profile.handle_timeout(now)
            except PeerError as error:
                self._finish("timeout", error)

    @property
    def _is_deaf(self) -> bool:
        """It ends, on a profile whose peer does not report when it has received everything and is done, too."""
        phase = self._phase
        return isinstance(phase, _Closed) or (isinstance(phase, _Closing) and not phase.profile.answers_close)

    def _move(self, input: Input) -> None:
        self._state = next_state(self._state, input)

    def _advance(self) -> EngineEvent | bool:
        """The next event, or whether there may be more to do: a queued event, or a further step of the handshake."""
        phase = self._phase
        if isinstance(phase, _Open):
            progress: EngineEvent | bool = self._receive_from(phase.profile)
        elif self._is_deaf:
            return False
        elif isinstance(phase, _Handshaking):
            progress = self._advance_handshake(phase.handshake)
        else:
            progress = self._receive_from(cast("Profile", phase.profile))
        if progress is False and self._peer_ended:
            self._finish("end", self._loss_at_end())
        return progress

    def _advance_handshake(self, handshake: HandshakeSequence) -> bool:
        step = handshake.advance(self._state, self._input)
        if step is None:
            return False
        self._perform(step)
        return True

    def _perform(self, step: HandshakeStep) -> None:
        self._move(step.input)
        for part in step.output:
            self._output.push_alone(part)
        if step.resumes is not None:
            self._events.append(ResumeEvent(step.resumes))
        if step.opened is not None:
            self._open(step.opened)

    def _open(self, opened: Opened) -> None:
        before, profile, native = self._phase, opened.profile, opened.native
        closes = opened.refused is not None or (isinstance(before, _Handshaking) and before.close_requested)
        phase = _Open(profile, self._options.now())
        self._phase = phase
        self._profile = profile
        if closes:
            # A new session is not in use yet: no client can resume it.
            if native is not None and not native.resumed:
                native.session.forget_identity()
            self._move("close")
            self._start_closing(phase, opened.refused)
            return
        self._timer = None
        self._events.append(OpenEvent(profile.name, profile.encrypted, profile.session, native))

    def _receive_from(self, profile: Profile) -> IncomingEvent | bool:
        timer = self._timer
        bytes_before = 0 if timer is None else len(self._input)
        event = profile.receive(self._input)
        if isinstance(self._phase, _Closing):
            # What still arrives is dropped, and not acknowledged.
            self._move("discard")
            if isinstance(event, PeerClosed):
                self._finish("end")
            return event is not None
        # A frame was completed: the remaining bytes began after it.
        if timer is not None and len(self._input) < bytes_before:
            timer = self._timer = None
        if event is None:
            if timer is None and len(self._input) > 0:
                self._set_timer("frame", self._options.limits.frame_timeout)
            return False
        if isinstance(event, PeerClosed):
            self._finish("end")
            return True
        self._move("message")
        self._close_if_spent()
        return event

    def _close_if_spent(self) -> None:
        """Closes in order: what was sent leaves first. A new connection agrees on another key."""
        phase = self._phase
        if isinstance(phase, _Open) and phase.profile.is_spent:
            self._move("close")
            self._start_closing(phase, key_exhausted())

    def _start_closing(self, phase: _Open, reason: PeerError | None) -> None:
        self._timer = None
        profile = phase.profile
        start = CloseStart(
            role=self._options.role,
            now=self._options.now(),
            opened_at=phase.opened_at,
            queued_bytes=self.queued_bytes,
            close_timeout=self._options.limits.close_timeout,
        )
        self._phase = _Closing(profile, profile.close(start), reason)
        if profile.answers_close:
            return
        self._input.clear()
        if self._peer_ended:
            self._finish("end")

    def _set_timer(self, name: Literal["handshake", "close-in-handshake", "frame"], seconds: float) -> None:
        self._timer = _Timer(name, self._options.now() + seconds)

    @property
    def _close_in_handshake_seconds(self) -> float:
        return min(self._options.limits.close_timeout, HANDSHAKE_GRACE)

    def _timeout_error(self, timer: _Timer) -> PeerError:
        limits = self._options.limits
        if timer.name == "handshake":
            return handshake_timeout(limits.handshake_timeout)
        if timer.name == "close-in-handshake":
            return close_in_handshake_timeout(self._close_in_handshake_seconds)
        return frame_timeout(limits.frame_timeout)

    def _finish(
        self, input: Literal["end", "fault", "timeout"], error: PeerError | None = None, last_words: bytes = b""
    ) -> None:
        before = self._phase
        self._move(input)
        if isinstance(before, _Closed):
            return
        self._timer = None
        self._input.clear()
        # A peer that ended its side may still read what was sent to it; in any other case it gets no more.
        if input != "end":
            self._output.clear()
        if last_words:
            self._output.push_alone(last_words)
        profile = self._profile
        if profile is not None:
            profile.finish(orderly=input == "end", lost=error is not None)
        reason = before.reason if isinstance(before, _Closing) else None
        cause = reason or error
        linger = self._new_linger() if self._is_worth_lingering(before, cause) else None
        self._phase = _Closed(profile, failed=cause is not None, linger=linger)
        self._events.append(ClosedEvent(cause))

    def _is_worth_lingering(self, before: object, cause: PeerError | None) -> bool:
        if isinstance(before, _Closing) and before.all_has_left:
            return False
        # What a native peer has not received is sent again if it comes back, and this transport must be gone by then.
        if cause is not None and self._profile is not None and self._profile.name == "native":
            return False
        return cause is None or cause.code != "ERR_CLOSE_TIMEOUT"

    def _new_linger(self) -> Patience:
        """The peer may still read what was written to it, but it does not get for ever to do so."""
        amount = self.unsent_bytes + self._lent_bytes
        return Patience(self._options.limits.close_timeout, amount=amount, now=self._options.now())

    def _loss_at_end(self) -> PeerError | None:
        """What the end of the transport means once everything that has arrived is decoded as far as possible."""
        if self._profile is None:
            return connection_lost("in the handshake", self._peer_end_cause)
        if len(self._input) > 0:
            return connection_lost("within a frame", self._peer_end_cause)
        return self._profile.loss_at_end(self._peer_end_cause, closing=self._state == "closing")
