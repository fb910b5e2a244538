"""The first frame of each direction. Source: spec/protocol.md, "Native hello"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from .failure import is_failure_code
from .frame import FRAME_KINDS, encode_frame, invalid_frame
from .hello_fields import Fields, encode_text
from .offers import Offers, decode_offers, decode_window, encode_offers
from .positions import POSITIONS_BYTES, decode_positions, encode_positions

if TYPE_CHECKING:
    from .lanes import Positions, Windows

SESSION_ID_BYTES = 16
PROOF_BYTES = 32

Side = Literal["client", "server"]


@dataclass(frozen=True)
class NoSession:
    """The client wants, or the server gives, a session that cannot be resumed."""


@dataclass(frozen=True)
class WantsSession:
    """The client wants a session that can be resumed."""


@dataclass(frozen=True)
class WantsResume:
    """The client wants to go on with an earlier session."""

    session_id: bytes
    received: Positions
    proof: bytes


@dataclass(frozen=True)
class NewSession:
    """The server gives a session that can be resumed."""

    session_id: bytes


@dataclass(frozen=True)
class Resumed:
    """The server goes on with the earlier session."""

    received: Positions
    proof: bytes


@dataclass(frozen=True)
class Refused:
    """The server ends the connection, for the reason that the code gives."""

    code: str
    message: str


ClientSession = NoSession | WantsSession | WantsResume
ServerSession = NoSession | NewSession | Resumed | Refused

S = TypeVar("S", bound=ClientSession | ServerSession)


@dataclass(frozen=True)
class NativeHello(Generic[S]):
    max_message_bytes: int
    """Largest ``data`` of a message that the sender accepts."""
    windows: Windows
    """Max bytes of each lane's frames that the sender accepts before it acknowledges."""
    pid: int
    library: str
    """The library and its version."""
    application: str
    application_version: str
    session: S
    offers: Offers | None = None
    """``None`` in the hello of an end that predates features, and so offers none."""


def encode_native_hello(hello: NativeHello[S]) -> bytes:
    """The whole frame. The caller has checked the application's texts, which have at most 255 bytes."""
    numbers = (hello.max_message_bytes, *hello.windows, hello.pid)
    parts = [number.to_bytes(4, "big") for number in numbers]
    parts += map(encode_text, (hello.library, hello.application, hello.application_version))
    parts.append(_encode_session(hello.session))
    if hello.offers is not None:
        parts.append(encode_offers(hello.offers))
    return encode_frame(FRAME_KINDS["hello"], b"".join(parts))


def decode_client_hello(body: bytes) -> NativeHello[ClientSession]:
    """Raises a PeerError ``ERR_FRAME_INVALID``."""
    fields = Fields(body)
    return _decode(fields, "client", _Head(fields), _decode_client_session(fields))


def decode_server_hello(body: bytes) -> NativeHello[ServerSession]:
    """Raises a PeerError ``ERR_FRAME_INVALID``."""
    fields = Fields(body)
    return _decode(fields, "server", _Head(fields), _decode_server_session(fields))


class _Head:
    """The fields before the session."""

    def __init__(self, fields: Fields) -> None:
        self.max_message_bytes = fields.take_uint32()
        self.windows = (decode_window(fields), decode_window(fields), decode_window(fields))
        self.pid = fields.take_uint32()
        self.texts = (fields.take_text(), fields.take_text(), fields.take_text())


def _decode(fields: Fields, side: Side, head: _Head, session: S) -> NativeHello[S]:
    offers = None if fields.is_empty else decode_offers(fields, side)
    return NativeHello(head.max_message_bytes, head.windows, head.pid, *head.texts, session, offers)


def _encode_session(session: ClientSession | ServerSession) -> bytes:
    if isinstance(session, NoSession):
        return b"\0"
    if isinstance(session, WantsSession):
        return b"\1"
    if isinstance(session, NewSession):
        return b"\1" + session.session_id
    if isinstance(session, WantsResume):
        return b"".join((b"\2", session.session_id, _encode_received(session.received), session.proof))
    if isinstance(session, Resumed):
        return b"".join((b"\2", _encode_received(session.received), session.proof))
    return b"".join((b"\3", encode_text(session.code), encode_text(session.message)))


def _encode_received(received: Positions) -> bytes:
    """That of the lane of streams stands among the offers."""
    return encode_positions(received[:3])


def _decode_client_session(fields: Fields) -> ClientSession:
    kind = fields.take_byte()
    if kind == 0:
        return NoSession()
    if kind == 1:
        return WantsSession()
    if kind == 2:
        return WantsResume(fields.take(SESSION_ID_BYTES), _take_received(fields), fields.take(PROOF_BYTES))
    raise invalid_frame("a hello with an unknown kind of session")


def _decode_server_session(fields: Fields) -> ServerSession:
    kind = fields.take_byte()
    if kind == 0:
        return NoSession()
    if kind == 1:
        return NewSession(fields.take(SESSION_ID_BYTES))
    if kind == 2:
        return Resumed(_take_received(fields), fields.take(PROOF_BYTES))
    if kind == 3:
        return _take_refusal(fields)
    raise invalid_frame("a hello with an unknown kind of session")


def _take_refusal(fields: Fields) -> Refused:
    code = fields.take_text()
    if not is_failure_code(code):
        raise invalid_frame("a refusal without a code")
    return Refused(code, fields.take_text())


def _take_received(fields: Fields) -> Positions:
    return decode_positions(fields.take(POSITIONS_BYTES))
