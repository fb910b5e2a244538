"""What holds for both roles once the handshake is over. The subject writes each message back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rule import Ruled, rule
from .verdict import demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from .peer import Peer
    from .subject import Subject

_SIZES = (0, 1, 1_024, 32_000, 65_536, 3_145_728)
TYPE_0_WRITTEN = "Message: type 0 is not written"
# A frame in two writes is seen as such when the reader is faster than the second write: not each time.
_SINGLE_WRITES = 60
_TYPES = (1, 2**31, 2**32 - 1)


def message_rules(opened: Callable[[Subject], Peer]) -> Ruled:
    """``opened``: how a subject of that role is brought into a conversation."""
    return _delivery_rules(opened) + _protection_rules(opened)


def _delivery_rules(opened: Callable[[Subject], Peer]) -> Ruled:
    rules: Ruled = []

    @rule(rules, "Message: sizes", "must", "data of 0 bytes to the default maximum arrives whole, both ways")
    def sizes(subject: Subject) -> None:
        peer = opened(subject)
        for size in _SIZES:
            peer.echo(5, bytes(i & 255 for i in range(size)))

    @rule(rules, "Message: types", "must", "types 1 to 4294967295 arrive as they are")
    def types(subject: Subject) -> None:
        peer = opened(subject)
        for type in _TYPES:
            peer.echo(type, b"typed")

    @rule(rules, "Message: type 0", "must", "a message of type 0 is dropped without a word, and the next one arrives")
    def type_0(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        peer.say(peer.message(0, b"dropped") + peer.message(5, b"after"))
        peer.demand_echo(5, b"after")

    @rule(rules, TYPE_0_WRITTEN, "must", "a program that asks for type 0 is refused, and nothing is sent")
    def type_0_written(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        peer.say(peer.message(subject.zero_type or 0, b"asks for type 0") + peer.message(5, b"after"))
        peer.demand_echo(5, b"after")

    @rule(rules, "Message: one write", "must", "a small frame, which golang-ipc reads with one read, is one write")
    def one_write(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        subject.share_processor()
        message = peer.message(5, bytes(1_000))
        for _ in range(_SINGLE_WRITES):
            peer.say(message)
            heard = peer.hear_at_once()
            demand(len(heard) == len(message), f"{len(heard)} of {len(message)} bytes came by themselves")

    @rule(rules, "Frame: many in one write", "must", "frames that arrive together are told apart, in order")
    def coalesced(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"first")
        numbers = [str(number).encode() for number in range(100)]
        peer.say(b"".join(peer.message(5, number) for number in numbers))
        for number in numbers:
            peer.demand_echo(5, number)

    @rule(rules, "Frame: in pieces", "must", "a frame that arrives byte by byte is put together")
    def pieces(subject: Subject) -> None:
        peer = opened(subject)
        for byte in peer.message(5, b"piece by piece"):
            peer.say(bytes((byte,)))
        peer.demand_echo(5, b"piece by piece")

    @rule(rules, "Close: the rest arrives", "must", "what was written before the peer ended its side is not lost")
    def half_close(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        peer.say(b"".join(peer.message(5, b"late") for _ in range(10)))
        peer.demand_echo(5, b"late")
        peer.end()
        demand(peer.is_dropped(), "it does not end its side")
        subject.demand_unharmed()

    return rules


def _protection_rules(opened: Callable[[Subject], Peer]) -> Ruled:
    rules: Ruled = []

    @rule(rules, "Sealed payload: nonce", "must", "each payload has a fresh nonce", (True,))
    def nonces(subject: Subject) -> None:
        peer = opened(subject)
        for _ in range(20):
            peer.echo(5, b"the same each time")
        demand(len(set(peer.nonces)) == len(peer.nonces), "a nonce came twice")

    @rule(rules, "Sealed payload: tag", "must", "a message that was changed on its way is not delivered", (True,))
    def changed(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        message = bytearray(peer.message(5, b"changed"))
        message[20] ^= 1
        peer.say(bytes(message))
        demand(peer.hears_nothing(1) or peer.is_dropped(), "it answers to a message that was changed")

    @rule(rules, "Sealed payload: end", "should", "a message that was changed ends the connection", (True,))
    def changed_ends(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        message = bytearray(peer.message(5, b"changed"))
        message[20] ^= 1
        peer.say(bytes(message))
        demand(peer.is_dropped(), "the connection goes on")

    @rule(rules, "Frame: too short", "should", "a frame that cannot hold its type ends the connection, not the process")
    def too_short(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        peer.say(b"\0\0\0\3abc")
        demand(peer.is_dropped(), "the connection goes on")
        subject.demand_unharmed()

    @rule(rules, "Frame: too large", "should", "a length over the maximum ends the connection, before the rest comes")
    def too_large(subject: Subject) -> None:
        peer = opened(subject)
        peer.echo(5, b"before")
        peer.say(b"\xff\xff\xff\xff")
        demand(peer.is_dropped(), "it waits for the rest")
        subject.demand_unharmed()

    return rules
