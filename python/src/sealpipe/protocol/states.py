"""Where an engine stands, and the one table of what may happen there. Source: spec/protocol.md, "States"."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, get_args

State = Literal[
    "client-awaits-hello",
    "client-awaits-server-key",
    "client-awaits-maximum-size",
    "server-awaits-answer",
    "server-awaits-client-key",
    "server-awaits-confirmation",
    "open",
    "closing",
    "closed",
]

Input = Literal[
    "plain-hello",
    "encrypted-hello",
    "server-key",
    "maximum-size",
    "plain-acceptance",
    "encrypted-acceptance",
    "client-key",
    "confirmation",
    "message",
    "discard",
    "close",
    "end",
    "fault",
    "timeout",
]
"""What can happen to an engine: a part that the peer sent, a call of ours, or time."""

STATES: tuple[State, ...] = get_args(State)

# Whatever the handshake waits for, these end it. A close does not: a golang-ipc server whose client hangs up in the
# handshake stops serving, so the handshake is finished first, and "close" comes again once the engine is open.
_ENDINGS: dict[Input, State] = {"end": "closed", "fault": "closed", "timeout": "closed"}

_TABLE: dict[State, dict[Input, State]] = {
    "client-awaits-hello": {
        "plain-hello": "client-awaits-maximum-size",
        "encrypted-hello": "client-awaits-server-key",
        "close": "client-awaits-hello",
        **_ENDINGS,
    },
    "client-awaits-server-key": {
        "server-key": "client-awaits-maximum-size",
        "close": "client-awaits-server-key",
        **_ENDINGS,
    },
    "client-awaits-maximum-size": {
        "maximum-size": "open",
        "close": "client-awaits-maximum-size",
        **_ENDINGS,
    },
    "server-awaits-answer": {
        "plain-acceptance": "server-awaits-confirmation",
        "encrypted-acceptance": "server-awaits-client-key",
        "close": "server-awaits-answer",
        **_ENDINGS,
    },
    "server-awaits-client-key": {
        "client-key": "server-awaits-confirmation",
        "close": "server-awaits-client-key",
        **_ENDINGS,
    },
    # Any byte is the confirmation, so there is none at fault.
    "server-awaits-confirmation": {
        "confirmation": "open",
        "close": "server-awaits-confirmation",
        "end": "closed",
        "timeout": "closed",
    },
    "open": {"message": "open", "close": "closing", **_ENDINGS},
    "closing": {"discard": "closing", "close": "closing", "end": "closed", "timeout": "closed"},
    "closed": {"discard": "closed", "close": "closed", "end": "closed"},
}

TRANSITIONS: MappingProxyType[State, MappingProxyType[Input, State]] = MappingProxyType(
    {state: MappingProxyType(row) for state, row in _TABLE.items()}
)
"""Every pair of state and input that is allowed, and the state it leads to."""


def next_state(state: State, input: Input) -> State:
    """The state that ``input`` leads to. A pair that the table lacks is a mistake in this library, never the peer's."""
    try:
        return TRANSITIONS[state][input]
    except KeyError:
        raise RuntimeError(f'the engine\'s table has no "{input}" in state "{state}"') from None
