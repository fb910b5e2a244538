"""An engine whose peer is the test, and everything that came out of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

from sealpipe.crypto import P384KeyPair, SystemCrypto
from sealpipe.errors import PeerError
from sealpipe.protocol.crypto_provider import KeyPair
from sealpipe.protocol.engine import Engine
from sealpipe.protocol.engine_options import ClosedEvent, EngineEvent, EngineOptions, OpenEvent, Role
from sealpipe.protocol.handshake.options import ProfileChoice
from sealpipe.protocol.limits import EngineLimits
from sealpipe.protocol.native.options import NativeOptions, NativeSelf
from sealpipe.protocol.native.wire.lanes import MIN_WINDOW
from sealpipe.protocol.profile import MessagesCame
from sealpipe.protocol.session import Session

from .wire import CLIENT_PRIVATE_KEY, SERVER_PRIVATE_KEY, client_handshake, private_key, server_handshake

Cutting = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> list[bytes]:
    return [data] if data else []


def byte_at_a_time(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def cut_into(sizes: list[int]) -> Cutting:
    """Chunks of these sizes, over and over."""

    def cut(data: bytes) -> Iterable[bytes]:
        start = 0
        count = 0
        while start < len(data):
            size = sizes[count % len(sizes)]
            yield data[start : start + size]
            start += size
            count += 1

    return cut


class _CachedKeyPair:
    """An agreement costs a millisecond, and tests that try every byte make thousands of the same."""

    def __init__(self, scalar: bytes) -> None:
        key_pair = P384KeyPair(private_key(scalar))
        self.public_key = key_pair.public_key
        self.derive_shared_secret = functools.lru_cache(key_pair.derive_shared_secret)


_key_pair_of = functools.lru_cache(_CachedKeyPair)


class FixedCrypto(SystemCrypto):
    """The system's cryptography with a key pair and nonces that the test has chosen."""

    def __init__(self, scalar: bytes, nonces: list[bytes] | None = None) -> None:
        self._key_pair = _key_pair_of(scalar)
        self._nonces = nonces or []
        self._taken = 0

    def generate_key_pair(self) -> KeyPair:  # type: ignore[override]
        return self._key_pair

    def random_bytes(self, length: int) -> bytes:
        self._taken += 1
        if self._taken <= len(self._nonces):
            return self._nonces[self._taken - 1]
        return self._taken.to_bytes(length, "big")


class EngineProbe:
    def __init__(
        self,
        role: Role,
        encryption: bool = False,
        limits: EngineLimits | None = None,
        crypto: SystemCrypto | None = None,
        *,
        native: NativeOptions | None = None,
        profile: ProfileChoice = "auto",
        secret: bytes | None = None,
        waits_for_turns: bool = False,
    ) -> None:
        scalar = CLIENT_PRIVATE_KEY if role == "client" else SERVER_PRIVATE_KEY
        self.now = 1000.0
        self.events: list[str] = []
        self.error: PeerError | None = None
        self.engine = Engine(
            EngineOptions(
                role=role,
                encryption=encryption,
                limits=limits or EngineLimits(),
                crypto=crypto or FixedCrypto(scalar),
                now=lambda: self.now,
                native=native,
                profile=profile,
                secret=secret,
                waits_for_turns=waits_for_turns,
            )
        )
        self.session: Session | None = None
        """Once it is open."""

    @property
    def state(self) -> str:
        return self.engine.state

    def receive(self, data: bytes, cutting: Cutting = whole) -> EngineProbe:
        for chunk in cutting(data):
            self.engine.receive(chunk)
            self.take_events()
        return self

    def end(self, cause: Exception | None = None) -> EngineProbe:
        self.engine.receive_end(cause)
        return self.take_events()

    def close(self) -> EngineProbe:
        self.engine.close()
        return self.take_events()

    def elapse(self, seconds: float) -> EngineProbe:
        """Moves the clock and tells the engine."""
        self.now += seconds
        self.engine.handle_timeout(self.now)
        return self.take_events()

    def send(self, type: int, data: bytes) -> None:
        """By the session; the engine has opened."""
        assert self.session is not None
        self.session.send(type, data)

    def take_events(self) -> EngineProbe:
        while (event := self.engine.next_event()) is not None:
            self.events.append(event_text(event))
            if isinstance(event, ClosedEvent):
                self.error = event.error
            elif isinstance(event, OpenEvent):
                self.session = event.session
        return self

    def take_writes(self) -> list[bytes]:
        writes: list[bytes] = []
        while write := self.engine.take_output():
            writes.append(write)
        return writes

    def quiet(self) -> EngineProbe:
        self.take_writes()
        self.events.clear()
        return self


def event_text(event: EngineEvent) -> str:
    if isinstance(event, MessagesCame):
        return "; ".join(f"message {type}: {data.hex()}" for type, data, _ in event.messages)
    if isinstance(event, ClosedEvent):
        return "closed" if event.error is None else f"closed {event.error.code}"
    if isinstance(event, OpenEvent):
        how = "encrypted" if event.encrypted else "plain"
        return f"open {how}" if event.native is None else f"open native {how}"
    return str(event)


NATIVE = NativeOptions(
    self=NativeSelf(pid=1, library="sealpipe/test"), windows=(MIN_WINDOW, MIN_WINDOW, MIN_WINDOW), resumable=False
)
"""Options of the native profile, as the vectors have them."""


def open_probe(role: Role, encrypted: bool = False, limits: EngineLimits | None = None) -> EngineProbe:
    """One whose handshake has been over for a second."""
    probe = EngineProbe(role, encrypted, limits)
    probe.receive(server_handshake(encrypted) if role == "client" else client_handshake(encrypted))
    assert probe.state == "open"
    return probe.quiet().elapse(1)


def limits(**changes: float) -> EngineLimits:
    return replace(EngineLimits(), **changes)  # type: ignore[arg-type]
