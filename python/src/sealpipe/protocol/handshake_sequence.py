"""The handshake of one connection from its first byte to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .handshake.client import ClientHandshake
from .handshake.handshake import Handshake, HandshakeStep, Opened
from .handshake.options import HandshakeOptions
from .handshake.server import ServerHandshake
from .native.handshake import NativeHandshake, NativeHandshakeOptions, NativeStep, SessionAnswer

if TYPE_CHECKING:
    from .engine_options import EngineOptions
    from .native.agreement import NativeAgreement
    from .native.options import NativeOptions
    from .receive_buffer import ReceiveBuffer
    from .states import State


class HandshakeSequence:
    """golang-ipc's and, if both ends speak native, the exchange of native hellos after it."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        given = HandshakeOptions(
            encryption=options.encryption,
            max_message_bytes=options.limits.max_message_bytes,
            crypto=options.crypto,
            profile="classic" if options.native is None else options.profile,
            secret=options.secret,
        )
        self._first: Handshake = ClientHandshake(given) if options.role == "client" else ServerHandshake(given)
        self._hellos: NativeHandshake | None = None
        self._waits_for_turns = options.waits_for_turns
        self._step_allowed = False

    def start(self) -> tuple[bytes, ...]:
        """What to send before anything has arrived."""
        return self._first.start()

    def is_costly(self, state: State, input: ReceiveBuffer) -> bool:
        """Whether all that the next step needs has arrived, and the step costs much more than it cost the peer. Never
        at a client: it has one peer, which it chose."""
        first = None if self._hellos is not None else self._first
        return isinstance(first, ServerHandshake) and first.is_costly(state, input)

    def allow_costly_step(self) -> None:
        """Lets one costly step be made, if costly steps have to be allowed."""
        self._step_allowed = True

    def advance(self, state: State, input: ReceiveBuffer) -> HandshakeStep | None:
        """The next step in ``state``, or ``None`` until enough has arrived, or the step is allowed.

        Raises a PeerError, or a HandshakeFailure if there are last bytes to send."""
        if self._hellos is not None:
            step = self._hellos.advance(state, input)
            return None if step is None else _step_of(step)
        if self._waits_for_turns and self.is_costly(state, input):
            if not self._step_allowed:
                return None
            self._step_allowed = False
        first = self._first.advance(state, input)
        if first is None or first.native is None:
            return first
        self._hellos = self._exchange_hellos(first.native)
        if self._options.role == "server":
            return first
        return HandshakeStep(first.input, first.output + self._hellos.start())

    def resume(self, session: SessionAnswer) -> HandshakeStep:
        """The answer to a step that ``resumes``: the session, or none if there is none that may go on.

        Raises a HandshakeFailure."""
        return _step_of(cast("NativeHandshake", self._hellos).resume(session))

    def _exchange_hellos(self, agreement: NativeAgreement) -> NativeHandshake:
        options = self._options
        return NativeHandshake(
            agreement,
            NativeHandshakeOptions(
                # Without these options native was not offered.
                native=cast("NativeOptions", options.native),
                max_message_bytes=options.limits.max_message_bytes,
                frame_timeout=options.limits.frame_timeout,
                crypto=options.crypto,
                now=options.now,
            ),
        )


def _step_of(step: NativeStep) -> HandshakeStep:
    opened = None if step.opened is None else Opened(*step.opened)
    return HandshakeStep(step.input, step.output, opened, step.resumes)
