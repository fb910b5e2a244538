"""The handshake of one engine, whose costly steps wait for their turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.engine import Engine
    from .handshake_turns import HandshakeTurns


class HandshakeSteps:
    """A step that costs this end much more than the peer gets a turn of its own."""

    def __init__(self, engine: Engine, turns: HandshakeTurns, took_turn: Callable[[], None]) -> None:
        self._engine = engine
        self._turns = turns
        self._took_turn = took_turn
        """A costly step may be made now."""
        self._turn: Literal["none", "awaited", "left"] = "none"
        """Of a costly step. ``left``: there will be none."""

    @property
    def awaits_turn(self) -> bool:
        """Whether a costly step waits for its turn."""
        return self._turn == "awaited"

    def advanced(self) -> bool:
        """The engine has gone as far as it can. Returns whether the handshake is over."""
        if self._turn == "none" and self._engine.next_step_is_costly:
            self._turn = "awaited"
            self._turns.wait("fresh" if self._engine.state == "server-awaits-answer" else "begun", self._take_turn)
        return not self.awaits_turn and self._engine.state in ("open", "closing", "closed")

    def leave(self) -> None:
        """The engine is dropped."""
        if self.awaits_turn:
            self._turns.leave(self._take_turn)
        self._turn = "left"

    def _take_turn(self) -> None:
        self._turn = "none"
        self._engine.allow_costly_step()
        self._took_turn()
