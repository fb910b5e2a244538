"""What holds for servers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..crypto import SYSTEM_CRYPTO
from .message_rules import message_rules
from .rule import Ruled, rule
from .verdict import demand

if TYPE_CHECKING:
    from .subject import Subject

NATIVE_SIGN = b"sealpip1"
"""What a plain server that speaks native puts after its maximum size."""

SERVER_RULES: Ruled = []
_KEY_SEARCHES = 5
_rules = SERVER_RULES


@rule(_rules, "Handshake 1: hello", "must", "the server speaks first: 02, then 01 where it encrypts, else 00")
def hello(subject: Subject) -> None:
    heard = subject.connect().hear(2)
    demand(heard == bytes((2, subject.encrypted)), f"it says {heard.hex(' ')}")


@rule(_rules, "Handshake 2: refusal", "must", "after any answer but 00 the server gives up")
def refusal(subject: Subject) -> None:
    peer = subject.connect()
    peer.hear(2)
    peer.say(b"\1")
    demand(peer.is_dropped(), "it goes on")


@rule(_rules, "Handshake 2: the next client", "should", "a client that refuses keeps no other out")
def refusal_harms_nobody(subject: Subject) -> None:
    for answer in (b"\1", b"\2", b"\3", b"\xff"):
        peer = subject.connect()
        peer.hear(2)
        peer.say(answer)
        demand(peer.is_dropped(), f"it goes on after answer {answer.hex()}")
    subject.serves_another()


@rule(_rules, "Handshake 3: server key", "must", "97 bytes, an uncompressed point on P-384, fresh each time", (True,))
def server_key(subject: Subject) -> None:
    peer = subject.connect()
    peer.hear(2)
    peer.say(b"\0")
    key = peer.hear(97)
    demand(key[0] == 4, f"it begins with {key[0]:02x}, not 04")
    peer.agree(SYSTEM_CRYPTO.generate_key_pair(), key)


@rule(_rules, "Handshake 3: invalid key", "should", "a key that is none ends the connection, not the process", (True,))
def invalid_key(subject: Subject) -> None:
    for key in (b"\4" + b"\1" * 96, b"\0" * 97, b"\2" + b"\1" * 96):
        peer = subject.connect()
        peer.hear(2)
        peer.say(b"\0")
        peer.hear(97)
        peer.say(key)
        demand(peer.is_dropped(), "the connection goes on")
        subject.demand_unharmed()
    subject.serves_another()


@rule(_rules, "Key: leading zeros", "must", "the shared X without its leading zero bytes is what is hashed", (True,))
def leading_zeros(subject: Subject) -> None:
    for _ in range(_KEY_SEARCHES):
        peer = subject.connect()
        peer.hear(2)
        peer.say(b"\0")
        key = peer.hear(97)
        # One key pair in 256 gives such a secret.
        while True:
            key_pair = SYSTEM_CRYPTO.generate_key_pair()
            secret = key_pair.derive_shared_secret(key)
            if secret is not None and secret[0] == 0:
                break
        # On a busy machine the search may have outlasted the server's patience. The next one is a search of its own.
        if not peer.has_ended():
            break
        peer.close()
    peer.say(key_pair.public_key)
    peer.agree(key_pair, key)
    peer.hear_payload()
    peer.say(b"\0")
    peer.await_echo()
    peer.echo(5, b"the same key")


@rule(_rules, "Handshake 4: maximum size", "must", "a payload of 4 bytes, sealed 32, or plain 12 from a native server")
def maximum_size(subject: Subject) -> None:
    peer = subject.connect()
    peer.hear(2)
    peer.say(b"\0")
    if subject.encrypted:
        key_pair = SYSTEM_CRYPTO.generate_key_pair()
        key = peer.hear(97)
        peer.say(key_pair.public_key)
        peer.agree(key_pair, key)
    payload = peer.hear_payload()
    native = not subject.encrypted and payload[4:] == NATIVE_SIGN
    demand(len(payload) == 4 or native, f"its payload has {len(payload)} bytes: {payload.hex(' ')}")
    demand(int.from_bytes(payload[:4], "big") > 0, "it takes no message at all")


@rule(_rules, "Handshake 5: confirmation", "must", "any byte confirms")
def confirmation(subject: Subject) -> None:
    peer = subject.connect()
    peer.hear(2)
    peer.say(b"\0")
    if subject.encrypted:
        key_pair = SYSTEM_CRYPTO.generate_key_pair()
        key = peer.hear(97)
        peer.say(key_pair.public_key)
        peer.agree(key_pair, key)
    peer.hear_payload()
    peer.say(b"\7")
    peer.await_echo()
    peer.echo(5, b"confirmed")


@rule(_rules, "Handshake: hanging up", "should", "a client that hangs up in the handshake keeps no other out")
def hanging_up(subject: Subject) -> None:
    for said in (b"", b"\0"):
        peer = subject.connect()
        peer.hear(2)
        peer.say(said)
        peer.close()
    subject.serves_another()


@rule(_rules, "Handshake: many clients", "should", "a second client is served beside the first")
def many_clients(subject: Subject) -> None:
    first = subject.client()
    first.echo(5, b"first")
    subject.serves_another()
    first.echo(5, b"still here")


@rule(_rules, "Limits: handshake", "should", "a client that says nothing is dropped within 10 s")
def silent_client(subject: Subject) -> None:
    peer = subject.connect()
    peer.hear(2)
    demand(peer.is_dropped(10), "it waits on")


@rule(_rules, "Close: the next client", "must", "a second after a client has left in order the next is served")
def next_client(subject: Subject) -> None:
    peer = subject.client()
    peer.echo(5, b"first")
    peer.end()
    demand(peer.is_dropped(), "it does not end its side")
    # golang-ipc's server forgets a client only some time after it left, and ignores whoever comes before that.
    time.sleep(1)
    subject.serves_another()


SERVER_RULES += message_rules(lambda subject: subject.client())
