"""The end of a native handshake: each side's hello, in which a client may ask to resume an earlier session.

Source: spec/protocol.md, "Native hello" and "Resume"."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

from ...errors import PeerError
from ..handshake_failure import HandshakeFailure
from .options import NativeOpened, NativeOptions, NativePeer, SessionOver
from .profile import NativeProfile, NativeProfileOptions
from .session import Identity, NativeSession, PeerLimits, SessionLimits
from .streams.streams import StreamLimits
from .wire.frame import FRAME_HEADER_BYTES, FRAME_KINDS, frame_bytes, invalid_frame
from .wire.hello import (
    SESSION_ID_BYTES,
    ClientSession,
    NativeHello,
    NewSession,
    NoSession,
    Refused,
    Resumed,
    ServerSession,
    WantsResume,
    WantsSession,
    decode_client_hello,
    decode_server_hello,
    encode_native_hello,
)
from .wire.hello_fields import MAX_TEXT_BYTES
from .wire.key_schedule import ProofParts, resumption_proof
from .wire.offers import NO_OFFERS, has_feature

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..crypto_provider import CryptoProvider
    from ..receive_buffer import ReceiveBuffer
    from ..states import Input, State
    from .agreement import NativeAgreement
    from .streams.stream_ids import Side
    from .wire.lanes import Positions

SessionAnswer = NativeSession | SessionOver | None
"""A server's answer to a client that wants to resume a session: the session, or why it has ended, if known."""

AnyHello = NativeHello[ClientSession] | NativeHello[ServerSession]


T = TypeVar("T")


@dataclass(frozen=True)
class NativeStep:
    """One step: what arrived, as an input of the engine's table, and the answer."""

    input: Input
    output: tuple[bytes, ...] = ()
    """Parts to send, each in a write of its own."""
    opened: tuple[NativeProfile, NativeOpened] | None = None
    """Set by the last step: how to go on."""
    resumes: bytes | None = None
    """A client wants to resume the session with this id: ``NativeHandshake.resume`` is to be called."""


@dataclass(frozen=True)
class NativeHandshakeOptions:
    native: NativeOptions
    max_message_bytes: int
    frame_timeout: float
    crypto: CryptoProvider
    now: Callable[[], float]


@dataclass(frozen=True)
class _Going:
    """The session with which the connection goes on."""

    session: NativeSession
    identity: Identity | None
    resumed: bool = False
    session_ended: str | None = None


class NativeHandshake:
    def __init__(self, agreement: NativeAgreement, options: NativeHandshakeOptions) -> None:
        self._agreement = agreement
        self._options = options
        self._asked: ClientSession = NoSession()
        """Client: what this end's hello asked for."""
        self._resuming: NativeHello[ClientSession] | None = None
        """The client's hello, until it is known whether the session that it wants to resume exists."""

    def start(self) -> tuple[bytes, ...]:
        """The client's first record."""
        self._asked = self._client_session()
        return (self._seal(self._asked),)

    def advance(self, state: State, input: ReceiveBuffer) -> NativeStep | None:
        if state == "client-awaits-native-hello":
            return self._receive_server(input)
        if state == "server-awaits-native-hello":
            return self._or_refuse(lambda: self._receive_client(input))
        return None

    def resume(self, session: SessionAnswer) -> NativeStep:
        """Answers a step that ``resumes``. Raises a HandshakeFailure."""
        # The engine asks in one state alone, in which there is a hello.
        hello = cast("NativeHello[ClientSession]", self._resuming)
        return self._or_refuse(lambda: replace(self._go_on(hello, session), input="session"))

    def _client_session(self) -> ClientSession:
        session = self._options.native.session
        if session is None or session.identity is None:
            return WantsSession() if self._options.native.resumable else NoSession()
        received = session.incoming.received
        return WantsResume(session.identity.id, received, self._proof("client", session.identity, received))

    def _receive_server(self, input: ReceiveBuffer) -> NativeStep | None:
        body = self._read_hello(input)
        if body is None:
            return None
        hello = decode_server_hello(body)
        answer = hello.session
        if isinstance(answer, Refused):
            raise _refused_by(answer)
        if isinstance(answer, Resumed):
            return self._open(hello, self._resumed(hello, answer))
        if isinstance(answer, NewSession) and isinstance(self._asked, NoSession):
            raise invalid_frame("a session that can be resumed, which was not asked for")
        identity = self._identity(answer.session_id) if isinstance(answer, NewSession) else None
        ended = None
        if isinstance(self._asked, WantsResume) and hello.offers is not None:
            ended = hello.offers.session_ended
        return self._open(hello, _Going(self._new_session(hello, "client"), identity, session_ended=ended))

    def _resumed(self, hello: NativeHello[ServerSession], answer: Resumed) -> _Going:
        before = self._options.native.session
        if before is None or before.identity is None:
            raise invalid_frame("a session resumed that was not asked for")
        received = _received_of(before, answer.received, hello)
        self._check_proof(answer.proof, self._proof("server", before.identity, received))
        before.outgoing.rewind(received)
        return _Going(before, before.identity, resumed=True)

    def _or_refuse(self, step: Callable[[], T]) -> T:
        """Raises a HandshakeFailure for a fault of the client."""
        try:
            return step()
        except PeerError as error:
            # So that the client, too, learns what is wrong. These texts have one byte for each character.
            refusal = Refused(error.code, error.message[:MAX_TEXT_BYTES])
            raise HandshakeFailure(error, self._seal(refusal)) from error

    def _receive_client(self, input: ReceiveBuffer) -> NativeStep | None:
        body = self._read_hello(input)
        if body is None:
            return None
        hello = decode_client_hello(body)
        if not isinstance(hello.session, WantsResume) or not self._options.native.resumable:
            return self._begin(hello)
        self._resuming = hello
        return NativeStep("resuming-hello", resumes=hello.session.session_id)

    def _go_on(self, hello: NativeHello[ClientSession], session: SessionAnswer) -> NativeStep:
        """Goes on with the session that the client wants to resume or, if there is none, with a new one."""
        wanted = hello.session
        if isinstance(session, SessionOver):
            return self._begin(hello, session.code)
        if session is None or session.identity is None or not isinstance(wanted, WantsResume):
            return self._begin(hello)
        identity = session.identity
        peers = _received_of(session, wanted.received, hello)
        self._check_proof(wanted.proof, self._proof("client", identity, peers))
        session.outgoing.rewind(peers)
        received = session.incoming.received
        output = self._seal(Resumed(received, self._proof("server", identity, received)))
        return replace(self._open(hello, _Going(session, identity, resumed=True)), output=(output,))

    def _begin(self, hello: NativeHello[ClientSession], session_ended: str | None = None) -> NativeStep:
        """Begins a new session. ``session_ended``: why the session has ended that the client wants to resume."""
        identity = None
        answer: ServerSession = NoSession()
        if self._options.native.resumable and not isinstance(hello.session, NoSession):
            identity = self._identity(self._options.crypto.random_bytes(SESSION_ID_BYTES))
            answer = NewSession(identity.id)
        output = self._seal(answer, session_ended)
        return replace(self._open(hello, _Going(self._new_session(hello, "server"), identity)), output=(output,))

    def _new_session(self, hello: AnyHello, side: Side) -> NativeSession:
        """A new session with the peer of this hello."""
        native = self._options.native
        offers = native.offers
        features = offers.features & (hello.offers or NO_OFFERS).features
        streams = None
        if has_feature(features, "streams"):
            streams = StreamLimits(offers.max_concurrent_streams, offers.stream_window)
        return NativeSession(
            SessionLimits(
                max_message_bytes=self._options.max_message_bytes,
                windows=native.windows,
                features=features,
                takes_admin=side == "server" and has_feature(features, "admin"),
                side=side,
                streams=streams,
            )
        )

    def _identity(self, id: bytes) -> Identity:
        resumption_key = self._agreement.resumption_key
        return Identity(id, self._options.crypto.sha256(id) if resumption_key is None else resumption_key)

    def _open(self, hello: AnyHello, going: _Going) -> NativeStep:
        options, agreement = self._options, self._agreement
        offers = hello.offers or NO_OFFERS
        going.session.attach(PeerLimits(hello.max_message_bytes, hello.windows, offers), going.identity)
        profile = NativeProfile(
            NativeProfileOptions(
                session=going.session,
                reader=agreement.reader,
                writer=agreement.writer,
                encrypted=agreement.encrypted,
                keepalive=options.native.keepalive,
                frame_timeout=options.frame_timeout,
                now=options.now,
            )
        )
        peer = NativePeer(
            hello.pid, hello.library, hello.application, hello.application_version, offers.codec, offers.contracts
        )
        native = NativeOpened(going.session, going.resumed, peer, going.session_ended)
        return NativeStep("native-hello", opened=(profile, native))

    def _read_hello(self, input: ReceiveBuffer) -> bytes | None:
        """The body of the peer's hello, which is all that its first record holds. Raises a PeerError."""
        frames = self._agreement.reader.read(input)
        if frames is None:
            return None
        if frames[0] != FRAME_KINDS["hello"] or frame_bytes(frames, 0) != len(frames):
            raise invalid_frame("something else than a hello at first")
        return frames[FRAME_HEADER_BYTES:]

    def _seal(self, session: ClientSession | ServerSession, session_ended: str | None = None) -> bytes:
        """This end's hello as a record."""
        native = self._options.native
        own = native.self
        received = session.received if isinstance(session, WantsResume | Resumed) else ()
        offers = replace(
            native.offers,
            received_streams=received[3] if len(received) > 3 else 0,
            session_ended=session_ended,
        )
        hello = NativeHello(
            self._options.max_message_bytes,
            native.windows,
            own.pid,
            own.library,
            own.application,
            own.application_version,
            session,
            offers,
        )
        return self._agreement.writer.write(encode_native_hello(hello))

    def _proof(self, side: Side, identity: Identity, received: Positions) -> bytes:
        parts = ProofParts(identity.resumption_key, self._agreement.transcript, identity.id, received)
        return resumption_proof(side, parts, self._options.crypto)

    @staticmethod
    def _check_proof(given: bytes, wanted: bytes) -> None:
        if not hmac.compare_digest(given, wanted):
            raise PeerError(
                "ERR_AUTHENTICATION_FAILED", "the peer did not take part in the session that it wants to resume"
            )


def _received_of(session: NativeSession, received: Positions, hello: AnyHello) -> Positions:
    """How far the peer has received, in each lane of the session."""
    if session.lanes == 3:
        return received
    return (*received, (hello.offers or NO_OFFERS).received_streams)


_REFUSAL_CODES = {"ERR_AUTHENTICATION_FAILED", "ERR_FRAME_INVALID", "ERR_FRAME_TOO_LARGE", "ERR_FRAME_TOO_SHORT"}
"""The codes with which a server's hello may refuse this end's."""


def _refused_by(refusal: Refused) -> PeerError:
    code = refusal.code if refusal.code in _REFUSAL_CODES else "ERR_HANDSHAKE_REJECTED"
    return PeerError(code, f"the server refused this end's hello, with {refusal.code}: {refusal.message}")
