"""What a server says about itself. Source: spec/protocol.md, "Admin"."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from ...errors import PeerError
from ...protocol.native.options import NativePeer
from ...protocol.native.wire.offers import CONTRACT_HASH_BYTES, ContractIdentity


@dataclass(frozen=True, kw_only=True)
class ServerDescription(NativePeer):
    """What a server is, by its own words: an authenticated server's if the channel has a ``secret``."""

    requests: tuple[int, ...]
    """The types of requests that it has handlers for, without those of single connections."""
    streams: tuple[int, ...]
    """The same of streams."""
    connections: int
    """The number of clients that are connected or may come back."""
    uptime: float
    """How long it has been listening, in seconds."""


def encode_description(description: ServerDescription) -> str:
    return json.dumps(
        {
            "library": description.library,
            "application": description.application,
            "applicationVersion": description.application_version,
            "codec": description.codec,
            "pid": description.pid,
            "contracts": [
                {"name": contract.name, "version": contract.version, "hash": contract.hash.hex()}
                for contract in description.contracts
            ],
            "requests": description.requests,
            "streams": description.streams,
            "connections": description.connections,
            "uptimeMs": round(description.uptime * 1000),
        }
    )


def decode_description(text: str) -> ServerDescription:
    """Raises a PeerError ``ERR_DESCRIPTION_INVALID``."""
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PeerError("ERR_DESCRIPTION_INVALID", "the server's description is not JSON", error) from error
    said = _members_of(read)
    return ServerDescription(
        library=said.text("library"),
        application=said.text("application"),
        application_version=said.text("applicationVersion"),
        codec=said.text("codec"),
        pid=said.count("pid"),
        contracts=tuple(map(_contract, said.items("contracts"))),
        requests=tuple(said.counts("requests")),
        streams=tuple(said.counts("streams")),
        connections=said.count("connections"),
        uptime=said.count("uptimeMs") / 1000,
    )


class _Members:
    """Those of an object. Each method raises a PeerError ``ERR_DESCRIPTION_INVALID``."""

    def __init__(self, read: dict[str, Any]) -> None:
        self._read = read

    def text(self, name: str) -> str:
        value = self._read.get(name)
        if not isinstance(value, str):
            raise _invalid(name)
        return value

    def count(self, name: str) -> int:
        value = self._read.get(name)
        if not _is_count(value):
            raise _invalid(name)
        return cast("int", value)

    def items(self, name: str) -> list[Any]:
        value = self._read.get(name)
        if not _is_list(value):
            raise _invalid(name)
        return value

    def counts(self, name: str) -> list[int]:
        values = self.items(name)
        if not all(map(_is_count, values)):
            raise _invalid(name)
        return values


def _members_of(read: Any) -> _Members:
    return _Members(cast("dict[str, Any]", read) if isinstance(read, dict) else {})


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _contract(read: Any) -> ContractIdentity:
    said = _members_of(read)
    hash = said.text("hash")
    if len(hash) != 2 * CONTRACT_HASH_BYTES or not set(hash) <= set("0123456789abcdef"):
        raise _invalid("hash")
    return ContractIdentity(said.text("name"), said.text("version"), bytes.fromhex(hash))


def _invalid(name: str) -> PeerError:
    return PeerError("ERR_DESCRIPTION_INVALID", f"the server's description has no valid {name}")
