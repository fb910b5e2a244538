"""What holds for clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..crypto import SYSTEM_CRYPTO
from .message_rules import message_rules
from .rule import Ruled, rule
from .verdict import Broken, Open, demand

if TYPE_CHECKING:
    from .subject import Subject

CLIENT_RULES: Ruled = []
# One handshake in 256 has such a key, and the client chooses it after it has seen ours: it has to come often enough.
_LEADING_ZEROS_PATIENCE = 150.0
_FIRST_TRIES = 20
_FIRST_PATIENCE = 15.0
_rules = CLIENT_RULES


@rule(_rules, "Handshake 1: hello", "must", "the client waits for the server to speak")
def waits(subject: Subject) -> None:
    demand(subject.accept().hears_nothing(0.5), "it speaks first, or hangs up")


@rule(_rules, "Handshake 1: other version", "must", "a hello of another version is refused with 01")
def other_version(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(bytes((3, subject.encrypted)))
    answer = peer.hear(1)
    demand(answer == b"\1", f"it answers {answer.hex()}")


@rule(_rules, "Handshake 1: no encryption", "must", "a client that insists on encryption refuses without it", (True,))
def no_encryption(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(b"\2\0")
    answer = peer.hear(1)
    demand(answer == b"\2", f"it answers {answer.hex()}")


@rule(_rules, "Handshake 2: giving up", "should", "a client that has refused ends the connection")
def giving_up(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(bytes((3, subject.encrypted)))
    peer.hear(1)
    demand(peer.is_dropped(), "the connection stays")


@rule(_rules, "Handshake 1: follows", "must", "a client that does not insist takes encryption as well", (False,))
def follows(subject: Subject) -> None:
    subject.encrypted = True
    subject.server().echo(5, b"sealed")


@rule(_rules, "Handshake 1: nonsense", "should", "a second byte that is neither 00 nor 01 is refused")
def nonsense(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(b"\2\7")
    answer = peer.hear(1)
    demand(answer != b"\0", "it accepts")


@rule(_rules, "Handshake 3: client key", "must", "97 bytes, an uncompressed point on P-384", (True,))
def client_key(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(b"\2\1")
    demand(peer.hear(1) == b"\0", "it does not accept")
    key_pair = SYSTEM_CRYPTO.generate_key_pair()
    peer.say(key_pair.public_key)
    key = peer.hear(97)
    demand(key[0] == 4, f"it begins with {key[0]:02x}, not 04")
    peer.agree(key_pair, key)


@rule(_rules, "Handshake 3: invalid key", "should", "a key that is none ends the connection, not the process", (True,))
def invalid_key(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(b"\2\1")
    peer.hear(1)
    peer.say(b"\4" + b"\1" * 96)
    demand(peer.is_dropped(), "the connection goes on")
    subject.demand_unharmed()


@rule(_rules, "Key: leading zeros", "must", "the shared X without its leading zero bytes is what is hashed", (True,))
def leading_zeros(subject: Subject) -> None:
    begun = time.monotonic()
    tries = 0
    while True:
        peer = subject.server()
        tries += 1
        if peer.secret is not None and peer.secret[0] == 0:
            peer.echo(5, b"the same key")
            return
        peer.end()
        demand(peer.is_dropped(), "it does not end its side")
        peer.close()
        passed = time.monotonic() - begun
        if passed > _LEADING_ZEROS_PATIENCE or (passed > _FIRST_PATIENCE and tries < _FIRST_TRIES):
            raise Open(f"none of the {tries} secrets in {passed:.0f} s had leading zeros")


@rule(_rules, "Handshake 4: further bytes", "must", "what follows the four bytes of the maximum size is ignored")
def further_bytes(subject: Subject) -> None:
    for further in (b"f", b"further", bytes(8), bytes(252 - (28 if subject.encrypted else 0))):
        peer = subject.server(further=further)
        peer.echo(5, b"ignored")
        peer.end()
        demand(peer.is_dropped(), "it does not end its side")
        peer.close()


@rule(_rules, "Handshake 4: too large", "should", "a maximum-size frame of over 256 bytes ends the connection")
def maximum_too_large(subject: Subject) -> None:
    peer = subject.accept()
    peer.say(bytes((2, subject.encrypted)))
    peer.hear(1)
    if subject.encrypted:
        key_pair = SYSTEM_CRYPTO.generate_key_pair()
        peer.say(key_pair.public_key)
        peer.hear(97)
    peer.say(b"\xff\xff\xff\xff")
    demand(peer.is_dropped(), "it waits for the rest")
    subject.demand_unharmed()


@rule(_rules, "Message: the server's maximum", "must", "nothing larger than the server takes is written to it")
def servers_maximum(subject: Subject) -> None:
    peer = subject.server(maximum=2_048)
    peer.echo(5, bytes(2_048))
    peer.say(peer.message(5, bytes(2_049)))
    if not peer.hears_nothing(1):
        try:
            heard = peer.hear_message()
        except (Broken, OSError):
            return
        demand(len(heard.data) <= 2_048, f"it writes {len(heard.data)} bytes")


@rule(_rules, "Close: coming back", "should", "after the server has ended in order the client connects again")
def coming_back(subject: Subject) -> None:
    peer = subject.server()
    peer.echo(5, b"first")
    peer.end()
    demand(peer.is_dropped(), "it does not end its side")
    peer.close()
    subject.server().echo(5, b"again")


CLIENT_RULES += message_rules(lambda subject: subject.server())
