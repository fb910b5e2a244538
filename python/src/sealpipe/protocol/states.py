"""The states of an engine, and the one table of what may happen in each. Source: spec/protocol.md, "States"."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, get_args

State = Literal[
    "client-awaits-hello",
    "client-awaits-server-key",
    "client-awaits-maximum-size",
    "client-awaits-native-hello",
    "server-awaits-answer",
    "server-awaits-client-key",
    "server-awaits-confirmation",
    "server-awaits-native-hello",
    "server-awaits-session",
    "open",
    "closing",
    "closed",
]

Input = Literal[
    "plain-hello",
    "encrypted-hello",
    "server-key",
    "maximum-size",
    "native-maximum-size",
    "plain-acceptance",
    "encrypted-acceptance",
    "client-key",
    "confirmation",
    "native-confirmation",
    "native-hello",
    "resuming-hello",
    "session",
    "message",
    "discard",
    "close",
    "end",
    "fault",
    "timeout",
]
"""What can happen to an engine: a part from the peer, a call of this end, or a timeout."""

STATES: tuple[State, ...] = get_args(State)

# These end the handshake in every state. A close does not: a golang-ipc server whose client hangs up in the
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
        "native-maximum-size": "client-awaits-native-hello",
        "close": "client-awaits-maximum-size",
        **_ENDINGS,
    },
    "client-awaits-native-hello": {
        "native-hello": "open",
        "close": "client-awaits-native-hello",
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
    # Any byte is a confirmation, so there is no "fault".
    "server-awaits-confirmation": {
        "confirmation": "open",
        "native-confirmation": "server-awaits-native-hello",
        "close": "server-awaits-confirmation",
        "end": "closed",
        "timeout": "closed",
    },
    "server-awaits-native-hello": {
        "native-hello": "open",
        "resuming-hello": "server-awaits-session",
        "close": "server-awaits-native-hello",
        **_ENDINGS,
    },
    # The acceptor answers in the same turn whether there is such a session.
    "server-awaits-session": {
        "session": "open",
        "close": "server-awaits-session",
        **_ENDINGS,
    },
    "open": {"message": "open", "close": "closing", **_ENDINGS},
    "closing": {"discard": "closing", "close": "closing", **_ENDINGS},
    "closed": {"discard": "closed", "close": "closed", "end": "closed"},
}

TRANSITIONS: MappingProxyType[State, MappingProxyType[Input, State]] = MappingProxyType(
    {state: MappingProxyType(row) for state, row in _TABLE.items()}
)
"""Every allowed pair of state and input, and the state it leads to."""


def next_state(state: State, input: Input) -> State:
    """The state that ``input`` leads to. A pair that the table lacks is a defect of this library, never the peer's
    fault."""
    try:
        return TRANSITIONS[state][input]
    except KeyError:
        raise RuntimeError(f'the engine\'s table has no "{input}" in state "{state}"') from None
