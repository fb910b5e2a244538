"""The other end of a subject: says exactly what a check makes it say."""

from __future__ import annotations

import itertools
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from ..crypto import SYSTEM_CRYPTO
from ..protocol.classic.key_schedule import derive_traffic_key
from .verdict import Broken, demand

if TYPE_CHECKING:
    from ..crypto import AesGcm, P384KeyPair

PATIENCE = 10.0
# What does not drop a connection takes all of it, for each rule that asks.
_DROP_PATIENCE = 5.0
# How long a message may take to come back before another is tried.
_ECHO_PATIENCE = 0.2


class Message(NamedTuple):
    type: int
    data: bytes


class Peer:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(PATIENCE)
        self._aead: AesGcm | None = None
        self.nonces: list[bytes] = []
        self.secret: bytes | None = None

    def close(self) -> None:
        self._sock.close()

    def end(self) -> None:
        """Ends our direction."""
        self._sock.shutdown(socket.SHUT_WR)

    def say(self, data: bytes) -> None:
        self._sock.sendall(data)

    def hear(self, count: int) -> bytes:
        heard = b""
        while len(heard) < count:
            try:
                chunk = self._sock.recv(count - len(heard))
            except TimeoutError:
                raise Broken(f"{len(heard)} of {count} bytes came within {PATIENCE:g} s") from None
            if not chunk:
                raise Broken(f"it ended after {len(heard)} of {count} bytes")
            heard += chunk
        return heard

    def hear_at_once(self) -> bytes:
        """What is there as soon as something is."""
        try:
            return self._sock.recv(65_536)
        except TimeoutError:
            raise Broken(f"nothing came within {PATIENCE:g} s") from None

    def hears_nothing(self, seconds: float) -> bool:
        """True where neither a byte nor an end comes for so long."""
        self._sock.settimeout(seconds)
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self._sock.settimeout(PATIENCE)
        return False

    def has_ended(self) -> bool:
        """Whether the subject has ended the connection, if all that it had said was heard."""
        self._sock.setblocking(False)
        try:
            return not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self._sock.settimeout(PATIENCE)

    def is_dropped(self, seconds: float = _DROP_PATIENCE) -> bool:
        """Whether the subject ends the connection within that time, whatever it says before."""
        give_up_at = time.monotonic() + seconds
        while (left := give_up_at - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                if not self._sock.recv(65_536):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    # What both roles say.

    def agree(self, key_pair: P384KeyPair, peer_key: bytes) -> None:
        secret = key_pair.derive_shared_secret(peer_key)
        self.secret = secret
        demand(secret is not None, f"its public key is no uncompressed point on P-384: {peer_key.hex()}")
        self._aead = SYSTEM_CRYPTO.create_aead(derive_traffic_key(secret or b"", SYSTEM_CRYPTO))

    def frame(self, payload: bytes) -> bytes:
        if self._aead is not None:
            nonce = SYSTEM_CRYPTO.random_bytes(12)
            payload = nonce + self._aead.seal(nonce, payload)
        return len(payload).to_bytes(4, "big") + payload

    def message(self, type: int, data: bytes) -> bytes:
        """As a frame."""
        return self.frame(type.to_bytes(4, "big") + data)

    def hear_payload(self) -> bytes:
        length = int.from_bytes(self.hear(4), "big")
        payload = self.hear(length)
        if self._aead is None:
            return payload
        demand(length >= 32, f"a sealed frame has {length} bytes, which is less than 32")
        self.nonces.append(payload[:12])
        plaintext = self._aead.open(payload[:12], payload[12:])
        demand(plaintext is not None, "what it sealed cannot be opened: it has another key")
        return plaintext or b""

    def hear_message(self) -> Message:
        payload = self.hear_payload()
        demand(len(payload) >= 4, f"a message has {len(payload)} bytes, which is less than its type")
        return Message(int.from_bytes(payload[:4], "big"), payload[4:])

    def echo(self, type: int, data: bytes) -> None:
        """Writes a message and demands it back."""
        self.say(self.message(type, data))
        self.demand_echo(type, data)

    def await_echo(self) -> None:
        """Returns once the subject writes messages back. Of those before, none comes any more."""
        give_up_at = time.monotonic() + PATIENCE
        for number in itertools.count():
            latest = f"attempt {number}".encode()
            self.say(self.message(5, latest))
            while not self.hears_nothing(_ECHO_PATIENCE):
                if self.hear_message().data == latest:
                    return
            demand(time.monotonic() < give_up_at, f"no message was written back within {PATIENCE:g} s")

    def demand_echo(self, type: int, data: bytes) -> None:
        heard = self.hear_message()
        demand(heard.type == type, f"type {type} came back as type {heard.type}")
        same = heard.data == data
        demand(same, f"{len(data)} bytes came back as {len(heard.data)} bytes, which are not the same")
