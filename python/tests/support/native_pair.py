"""Two engines that speak native to each other, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sealpipe.errors import PeerError
from sealpipe.protocol.engine import Engine
from sealpipe.protocol.engine_options import ClosedEvent, EngineEvent, EngineOptions, OpenEvent, ResumeEvent, Role
from sealpipe.protocol.limits import EngineLimits
from sealpipe.protocol.native.handshake import SessionAnswer
from sealpipe.protocol.native.keepalive import KeepaliveLimits
from sealpipe.protocol.native.options import NativeOptions
from sealpipe.protocol.native.session import NativeSession
from sealpipe.protocol.native.wire.offers import ALL_FEATURES, Offers
from sealpipe.protocol.profile import MessagesCame, RequestCame

from .engine_probe import NATIVE, FixedCrypto
from .wire import CLIENT_PRIVATE_KEY, SERVER_PRIVATE_KEY

OFFERS = Offers(features=ALL_FEATURES, max_concurrent_streams=2, stream_window=65_536)
RESUMABLE = replace(NATIVE, resumable=True, offers=OFFERS, keepalive=KeepaliveLimits(keepalive_interval=float("inf")))


class NativeEnd:
    """One end of a session, over one connection after another."""

    def __init__(self, pair: NativePair, role: Role, native: NativeOptions, **options: Any) -> None:
        self.pair = pair
        self.role: Role = role
        self._native = native
        self._options = options
        self.session: NativeSession | None = None
        self.answer: SessionAnswer = None
        """To a client that wants to resume, instead of the session."""
        self.events: list[EngineEvent] = []
        self.error: PeerError | None = None
        self.connect()

    def connect(self) -> None:
        key = CLIENT_PRIVATE_KEY if self.role == "client" else SERVER_PRIVATE_KEY
        native = replace(self._native, session=self.session) if self.role == "client" else self._native
        given: dict[str, Any] = {"encryption": False, "limits": EngineLimits(), **self._options}
        self.engine = Engine(
            EngineOptions(role=self.role, crypto=FixedCrypto(key), now=lambda: self.pair.now, native=native, **given)
        )

    @property
    def open_session(self) -> NativeSession:
        assert self.session is not None
        return self.session

    def listen(self) -> bool:
        """Fetches all events; whether there were any."""
        found = False
        while (event := self.engine.next_event()) is not None:
            found = True
            if isinstance(event, ResumeEvent):
                self.engine.resume(self.answer or self.session)
                continue
            if isinstance(event, OpenEvent) and event.native is not None:
                self.session = event.native.session
            if isinstance(event, ClosedEvent):
                self.error = event.error
            self.events.append(event)
        return found

    def heard(self, *kinds: type) -> list[Any]:
        """The events of these kinds since the last call; other ones are dropped."""
        events, self.events = self.events, []
        return [event for event in events if isinstance(event, kinds)]

    def messages(self) -> list[tuple[int, bytes]]:
        """The messages that came since the last call, which are consumed."""
        messages: list[tuple[int, bytes]] = []
        for event in self.heard(MessagesCame):
            for type, data, position in event.messages:
                messages.append((type, data))
                self.open_session.consumed("messages", position)
        return messages

    def requests(self) -> list[RequestCame]:
        """The same of requests."""
        requests: list[RequestCame] = self.heard(RequestCame)
        for request in requests:
            self.open_session.consumed("requests", request.position)
        return requests


class NativePair:
    def __init__(self, native: NativeOptions = RESUMABLE, **options: Any) -> None:
        self.now = 1000.0
        self.server = NativeEnd(self, "server", native, **options)
        self.client = NativeEnd(self, "client", native, **options)
        self.passed = b""
        """What has gone through since the last cut."""
        self.run()

    @property
    def ends(self) -> tuple[NativeEnd, NativeEnd]:
        return self.client, self.server

    def run(self, most: int | None = None) -> None:
        """Moves everything that the ends have for each other; ``most``: writes."""
        moved = 0
        progressed = True
        while progressed:
            progressed = False
            for end, other in (self.ends, self.ends[::-1]):
                progressed = end.listen() or progressed
                while (most is None or moved < most) and (write := end.engine.take_output()):
                    other.engine.receive(write)
                    self.passed += write
                    moved += 1
                    progressed = True

    def cut(self) -> None:
        """The connection breaks, and the client connects again."""
        for end in self.ends:
            end.engine.receive_end(OSError("cut"))
            end.listen()
            end.engine.abandon()
        self.server.connect()
        self.client.connect()
        self.passed = b""
        self.run()

    def elapse(self, seconds: float) -> None:
        self.now += seconds
        for end in self.ends:
            end.engine.handle_timeout(self.now)
        self.run()
