"""One conversation, from the first byte of the handshake to its end, as a state machine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import CallerError, PeerError
from .engine_errors import (
    close_in_handshake_timeout,
    close_timeout,
    connection_lost,
    frame_timeout,
    handshake_timeout,
    key_exhausted,
)
from .handshake.client import ClientHandshake
from .handshake.handshake import Handshake, HandshakeFailure, HandshakeOptions, Opened
from .handshake.server import ServerHandshake
from .limits import END_GRACE, HANDSHAKE_GRACE, SETTLE_AFTER_OPEN, EngineLimits
from .message import MessageContent, check_message, check_peer_takes
from .patience import Patience
from .receive_buffer import ReceiveBuffer
from .send_buffer import SendBuffer
from .states import Input, State, next_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from .crypto_provider import CryptoProvider
    from .profile import ProfileName

Role = Literal["client", "server"]


@dataclass(frozen=True)
class EngineOptions:
    role: Role
    encryption: bool
    """Server: whether it encrypts. Client: whether it insists; one that does not follows the server."""
    limits: EngineLimits
    crypto: CryptoProvider
    now: Callable[[], float]
    """The time, in seconds from any fixed point; it never goes back."""


@dataclass(frozen=True)
class OpenEvent:
    profile: ProfileName
    encrypted: bool


@dataclass(frozen=True)
class ClosedEvent:
    """The last event. Without an error the end was orderly."""

    error: PeerError | None = None


EngineEvent = OpenEvent | MessageContent | ClosedEvent


@dataclass(frozen=True)
class _Deadline:
    at: float
    passed: Callable[[], None]


class Engine:
    """Bytes and times go in, events and bytes come out.

    Whoever drives it moves the bytes, takes the events and calls ``handle_timeout`` at ``next_timeout``; nothing here
    waits. Bytes are decoded when an event is asked for, not when they arrive, so that a driver that stops asking, and
    then stops reading, holds up the peer.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._input = ReceiveBuffer()
        self._output = SendBuffer()
        self._events: deque[EngineEvent] = deque()
        handshake_options = HandshakeOptions(
            encryption=options.encryption,
            max_message_bytes=options.limits.max_message_bytes,
            crypto=options.crypto,
        )
        is_client = options.role == "client"
        self._state: State = "client-awaits-hello" if is_client else "server-awaits-answer"
        self._handshake: Handshake = (
            ClientHandshake(handshake_options) if is_client else ServerHandshake(handshake_options)
        )
        self._opened: Opened | None = None
        self._exhausted: PeerError | None = None
        """Why it closes, if that is because its key has sealed all that it may."""
        self._deadline: _Deadline | None = None
        self._close_requested = False
        self._all_has_left = False
        self._patience: Patience | None = None
        """With a peer that has to take what was written before the close."""
        self._settling = False
        """Closing, but the end is not to be seen by the peer yet."""
        self._opened_at = 0.0
        self._heard_from_peer = False
        self._peer_ended = False
        self._peer_end_cause: BaseException | None = None
        self._push_part(self._handshake.start())
        self._set_deadline(options.limits.handshake_timeout, lambda: self._finish("timeout", self._handshake_timeout()))

    @property
    def state(self) -> State:
        return self._state

    @property
    def queued_bytes(self) -> int:
        """Bytes that ``take_output`` has yet to give."""
        return len(self._output)

    @property
    def is_spent(self) -> bool:
        """Whether it closes because its key has sealed all that it may: nothing more can be sent by it."""
        return self._exhausted is not None

    @property
    def output_ended(self) -> bool:
        """True once nothing will be added to the output: when it is written, the driver ends the transport."""
        return self._is_ending and not self._settling

    def receive(self, chunk: bytes) -> None:
        """Bytes from the peer. Never raises for what is in them."""
        if chunk:
            self._heard_from_peer = True
        if self._is_ending:
            self._move("discard")
        else:
            self._input.push(chunk)

    def receive_end(self, cause: BaseException | None = None) -> None:
        """The peer will send no more: it ended the transport or, where there is a ``cause``, that failed."""
        if not self._peer_ended:
            self._peer_end_cause = cause
        self._peer_ended = True
        if not self._is_ending:
            return
        # What was written before the close, and had not left when the transport failed, never will.
        lost = cause is not None and not self._all_has_left
        self._finish("end", connection_lost("before everything written had left", cause) if lost else None)

    def next_event(self) -> EngineEvent | None:
        """The next event. Ask until there is none, after each call that tells the engine something."""
        try:
            while not self._events and self._advance():
                pass
        except HandshakeFailure as failure:
            self._finish("fault", failure.error)
            self._output.push_alone(failure.last_words)
        except PeerError as error:
            self._finish("fault", error)
        return self._events.popleft() if self._events else None

    def take_output(self) -> bytes:
        """The next write, or no bytes.

        Ask again until there are none, but not before the transport has given all of the last to the system: what
        waits is better kept here, and an empty answer means that everything has left.
        """
        write = self._output.take()
        if self._state == "closing":
            self._close_progressed(all_has_left=not write)
        return write

    def send(self, type: int, data: bytes) -> None:
        """Takes a message.

        Raises a CallerError: ``ERR_CLOSED`` once it ends, ``ERR_RESERVED_TYPE``, ``ERR_TYPE_OUT_OF_RANGE``,
        ``ERR_MESSAGE_TOO_LARGE``; or a PeerError: ``ERR_NOT_CONNECTED`` before the engine is open,
        ``ERR_TOO_LARGE_FOR_PEER``.
        """
        if self._is_ending or self._close_requested:
            raise CallerError("ERR_CLOSED", "the connection is closed")
        if self._opened is None:
            raise PeerError("ERR_NOT_CONNECTED", "the peer has not completed the handshake yet")
        check_message(type, len(data), self._options.limits.max_message_bytes)
        check_peer_takes(len(data), self._opened.peer_max_message_bytes)
        self._opened.profile.encode(type, data, self._output)
        self._close_if_spent(self._opened)

    def close(self) -> None:
        """Ends the engine in order: what was sent goes out first, what has not been asked for by now is dropped.

        In the handshake it waits for that to be over, and a client waits for a moment after it.
        """
        self._move("close")
        if self._close_requested or self._state == "closed":
            return
        self._close_requested = True
        # The handshake goes on, and needs what has arrived of its next part.
        if self._state == "closing":
            self._start_closing()
            return
        seconds = min(self._options.limits.close_timeout, HANDSHAKE_GRACE)
        self._set_deadline(seconds, lambda: self._finish("timeout", close_in_handshake_timeout(seconds)))

    def next_timeout(self) -> float | None:
        """When to call ``handle_timeout``, on the engine's clock; ``None`` for never."""
        return None if self._deadline is None else self._deadline.at

    def handle_timeout(self, now: float) -> None:
        """Ends the engine where a deadline has passed at ``now``. Too early a call does nothing."""
        if self._deadline is not None and now >= self._deadline.at:
            self._deadline.passed()

    @property
    def _is_ending(self) -> bool:
        return self._state in ("closing", "closed")

    def _move(self, input: Input) -> None:
        self._state = next_state(self._state, input)

    def _push_part(self, part: bytes) -> None:
        if part:
            self._output.push_alone(part)

    def _advance(self) -> bool:
        """True where there may be more to do: an event, or a further step of the handshake."""
        if self._is_ending:
            return False
        progressed = self._advance_handshake() if self._opened is None else self._receive_message(self._opened)
        if not progressed and self._peer_ended:
            self._finish("end", self._loss_at_end())
        return progressed

    def _advance_handshake(self) -> bool:
        step = self._handshake.advance(self._state, self._input)
        if step is None:
            return False
        self._move(step.input)
        self._push_part(step.output)
        if step.opened is not None:
            self._open(step.opened)
        return True

    def _open(self, opened: Opened) -> None:
        self._opened = opened
        self._opened_at = self._options.now()
        if self._close_requested:
            self._move("close")
            self._start_closing()
            return
        self._deadline = None
        self._events.append(OpenEvent(opened.profile.name, opened.profile.encrypted))

    def _receive_message(self, opened: Opened) -> bool:
        bytes_before = len(self._input)
        content = opened.profile.decode(self._input)
        # A frame was completed: what is left began after it.
        if len(self._input) < bytes_before:
            self._deadline = None
        if content is not None:
            self._move("message")
            self._events.append(content)
            self._close_if_spent(opened)
            return True
        if len(self._input) > 0 and self._deadline is None:
            seconds = self._options.limits.frame_timeout
            self._set_deadline(seconds, lambda: self._finish("timeout", frame_timeout(seconds)))
        return False

    def _close_if_spent(self, opened: Opened) -> None:
        """In order: what was sent goes out first. Whoever connects again agrees on another key."""
        if opened.profile.is_spent:
            self._exhausted = key_exhausted()
            self.close()

    def _start_closing(self) -> None:
        self._input.clear()
        if self._peer_ended:
            self._finish("end")
            return
        settle = self._opened_at + SETTLE_AFTER_OPEN - self._options.now()
        self._settling = self._options.role == "client" and settle > 0
        if self._settling:
            self._set_deadline(settle, self._settled)
        else:
            self._settled()

    def _settled(self) -> None:
        self._settling = False
        seconds = self._options.limits.close_timeout
        self._patience = Patience(seconds, amount=self.queued_bytes, now=self._options.now())
        self._set_close_deadline(self._patience)

    def _close_progressed(self, *, all_has_left: bool) -> None:
        """A peer that still takes what was written before the close, and not too slowly, is not one that hangs."""
        if self._patience is None or self._all_has_left:
            return
        if all_has_left:
            self._all_has_left = True
            grace = min(self._options.limits.close_timeout, END_GRACE)
            self._set_deadline(grace, lambda: self._finish("timeout"))
            return
        self._patience.left(self.queued_bytes, self._options.now())
        self._set_close_deadline(self._patience)

    def _set_deadline(self, after: float, passed: Callable[[], None]) -> None:
        self._deadline = _Deadline(self._options.now() + after, passed)

    def _set_close_deadline(self, patience: Patience) -> None:
        error = close_timeout(self._options.limits.close_timeout)
        self._deadline = _Deadline(patience.at, lambda: self._finish("timeout", error))

    def _finish(self, input: Literal["end", "fault", "timeout"], error: PeerError | None = None) -> None:
        was_closed = self._state == "closed"
        self._move(input)
        if was_closed:
            return
        self._deadline = None
        self._settling = False
        self._input.clear()
        # A peer that ended its side in order may still read what was sent to it; another gets no more.
        if input != "end":
            self._output.clear()
        self._events.append(ClosedEvent(self._exhausted or error))

    def _loss_at_end(self) -> PeerError | None:
        if self._opened is None:
            return connection_lost("in the handshake", self._peer_end_cause)
        if len(self._input) > 0:
            return connection_lost("within a frame", self._peer_end_cause)
        return None if self._peer_end_cause is None else connection_lost("", self._peer_end_cause)

    def _handshake_timeout(self) -> PeerError:
        silent_server = self._options.role == "client" and not self._heard_from_peer
        return handshake_timeout(self._options.limits.handshake_timeout, silent_server=silent_server)
