"""The secret of a channel, as an option."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from ...errors import CallerError
from .secret_file import read_secret_file

if TYPE_CHECKING:
    from dataclasses import Field
    from typing import Any

    from ...protocol.handshake.options import ProfileChoice


class _SecretOptions(Protocol):
    """The parsed options, as far as they matter here."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def secret(self) -> bytes | None: ...

    @property
    def secret_file(self) -> str | None: ...

    @property
    def profile(self) -> ProfileChoice: ...

    @property
    def encryption(self) -> bool: ...


P = TypeVar("P", bound=_SecretOptions)


def secret_bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else bytes(secret)


def without_conflict(options: P) -> P:
    """A secret, or its file, implies encryption and the native profile. Raises a CallerError ``ERR_INVALID_OPTION``."""
    if options.secret is None and options.secret_file is None:
        return options
    name = "secret_file" if options.secret is None else "secret"
    conflicts = {
        "secret_file: give one of them": options.secret is not None and options.secret_file is not None,
        'profile "classic": golang-ipc\'s protocol has no place for it': options.profile == "classic",
        "encryption False: it is what the keys are made with": not options.encryption,
    }
    for conflict, applies in conflicts.items():
        if applies:
            raise CallerError("ERR_INVALID_OPTION", f"{name} does not go together with {conflict}")
    return options


def with_secret(options: P) -> P:
    """The same options with the secret in place of its file, which is created if there is none yet.

    Raises a SystemError ``ERR_SECRET_FILE``."""
    if options.secret_file is None:
        return options
    return replace(options, secret=read_secret_file(options.secret_file), secret_file=None)
