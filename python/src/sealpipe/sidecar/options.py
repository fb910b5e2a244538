"""What a sidecar may choose."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from ..endpoint.call_options import demand
from ..endpoint.options.option_checks import check_seconds
from ..endpoint.options.options import ServerOptions
from ..endpoint.options.parse_options import parse_server_options
from ..errors import CallerError
from .hand_over import no_parent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import SystemError


@dataclass(frozen=True)
class End:
    """Why a sidecar has to end."""

    by: Literal["parent", "asked"]
    """``"parent"``: the parent has ended, or has closed the standard input. ``"asked"``: it has asked for a shutdown,
    or sent SIGTERM."""
    reason: str
    """What the parent said, if it asked."""


class SidecarOptions(ServerOptions, total=False):
    """Those of a server, without what the parent decides: ``directory``, ``private_directory``, ``encryption``,
    ``profile``, ``secret``, ``secret_file`` and ``unmask_permissions``."""

    hand_over_timeout: float
    """How long the parent may take to hand over the channel. Default 10."""
    drain_timeout: float
    """How long this process may take to end after its parent has ended, or has closed the standard input; then it is
    killed. Default 5."""


_DECIDED = ("directory", "private_directory", "encryption", "profile", "secret", "secret_file", "unmask_permissions")


@dataclass(frozen=True)
class SidecarSettings:
    server: dict[str, Any]
    """The options of its server."""
    hand_over_timeout: float = 10.0
    drain_timeout: float = 5.0


def parse_sidecar_options(options: Mapping[str, Any], on_end: object) -> SidecarSettings:
    """Raises a CallerError ``ERR_INVALID_OPTION``."""
    for name in _DECIDED:
        if name in options:
            raise CallerError("ERR_INVALID_OPTION", f"{name} is decided by the parent")
    own = {field.name for field in fields(SidecarSettings)} - {"server"}
    times = {name: value for name, value in options.items() if name in own}
    for name, value in times.items():
        check_seconds(name, value)
    demand(on_end is None or callable(on_end), "on_end", "None or something that can be called", on_end)
    server = {name: value for name, value in options.items() if name not in own}
    parse_server_options(server)
    return SidecarSettings(server, **times)


def late(settings: SidecarSettings) -> SystemError:
    return no_parent(f"the standard input had no line within {settings.hand_over_timeout:g} s")
