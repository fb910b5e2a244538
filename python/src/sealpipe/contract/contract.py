"""A contract, as code that was generated from it has it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import CallerError, SealpipeError
from ..protocol.native.wire.offers import ContractIdentity
from .description import DescribedMember, Description, parse_description
from .finding import Finding, Issue
from .schema import compile_schema
from .value import encode_value, parse_value

if TYPE_CHECKING:
    from .compiling import Check

Side = Literal["implementer", "caller"]


class Contract:
    """One as it was exported: ``description`` is the document that its hash is of, as RFC 8785 writes it.

    Raises a ValueError for what is none, or cannot be checked."""

    def __init__(self, description: str) -> None:
        self.description = description
        self.parsed: Description = parse_description(description.encode())
        if self.parsed.codec != "json":
            raise ValueError(f"the codec {self.parsed.codec}: there is json alone")
        self.name = self.parsed.name
        self.version = self.parsed.version
        self.hash = hashlib.sha256(description.encode()).digest()
        self.members = {name: Member(name, member) for name, member in self.parsed.members.items()}

    @property
    def identity(self) -> ContractIdentity:
        """By which two ends find out whether they mean the same."""
        return ContractIdentity(self.name, self.version, self.hash)

    def member(self, name: str) -> Member:
        return self.members[name]


class Part:
    """One of the data of a member: bytes as they are, or a value as JSON."""

    def __init__(self, schema: Any, *, optional: bool = False) -> None:
        self.optional = optional
        """There may be nothing."""
        self.is_bytes = schema == {"contentMediaType": "application/octet-stream"}
        self._check: Check | None = None if self.is_bytes else compile_schema(schema)

    def encode(self, value: Any, what: str) -> bytes:
        """What the receiver's schema makes of it is the receiver's business. Raises a CallerError
        ``ERR_INVALID_ARGUMENT``."""
        if value is None and self.optional:
            return b""
        if self.is_bytes:
            return bytes(value)
        try:
            return encode_value(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise CallerError("ERR_INVALID_ARGUMENT", f"{what} cannot be encoded as json: {error}", error) from error

    def decode(self, data: bytes) -> tuple[Any, tuple[Issue, ...]]:
        """What arrived, and what is wrong with it."""
        if not data and self.optional:
            return None, ()
        if self._check is None:
            return data, ()
        try:
            value = parse_value(data)
        except ValueError as error:
            return None, (Issue(f"no json: {error}"[:256], ()),)
        finding = Finding()
        self._check(value, finding)
        return value, tuple(finding.issues)


def encode_part(part: Part | None, value: Any, what: str) -> bytes:
    """What goes over the wire; nothing if there is no such part. Raises as ``Part.encode``."""
    return b"" if part is None else part.encode(value, what)


def decode_part(part: Part | None, data: bytes) -> tuple[Any, tuple[Issue, ...]]:
    """What arrived, and what is wrong with it. Data that have no schema are not looked at."""
    return (None, ()) if part is None else part.decode(data)


@dataclass
class Member:
    """A method, a stream or an event."""

    name: str
    described: DescribedMember
    declared: dict[str, type[DeclaredError]] = field(default_factory=dict)
    """What generated code has for its errors, by their codes."""

    def __post_init__(self) -> None:
        optional = self.described.optional
        parts = {key: Part(schema, optional=key in optional) for key, schema in self.described.parts.items()}
        self.number = self.described.number
        self.input, self.output = parts.get("input"), parts.get("output")
        self.items, self.data = parts.get("items"), parts.get("data")
        self.errors = {code: None if schema is None else Part(schema) for code, schema in self.described.errors.items()}

    def is_sent_by(self, side: Side) -> bool:
        """Whether that end may send this event."""
        return self.described.goes("to-caller" if side == "implementer" else "from-caller")


class DeclaredError(SealpipeError):
    """An error that a contract declares. Generated code has a class for each, which handlers raise and callers
    catch."""

    fault = "peer"
    member: ClassVar[Member]
    declared_code: ClassVar[str]

    def __init__(self, data: Any, message: str) -> None:
        code = self.declared_code
        super().__init__(code, message or f'"{self.member.name}" failed with {code}')
        self.args = (data, message) if self.member.errors[code] is not None else (message,)
        self.data = data
        """What the error's schema describes."""

    def __init_subclass__(cls) -> None:
        if "declared_code" in vars(cls):
            cls.member.declared[cls.declared_code] = cls


class InvalidError(SealpipeError):
    """Data did not fit the contract: an input with ``ERR_INVALID_INPUT``, which the handler then never saw, or an
    output with ``ERR_INVALID_OUTPUT``."""

    fault = "peer"

    def __init__(self, code: str, message: str, issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(code, message)
        self.args = (code, message, issues)
        self.issues = issues
        """What a schema found; nothing of an output that the other end found wrong itself."""
