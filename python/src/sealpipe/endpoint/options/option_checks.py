"""Checks of an endpoint's options. Those that return nothing raise a CallerError ``ERR_INVALID_OPTION``.

Times are in seconds, as everywhere in Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeGuard

from ...protocol.limits import MAX_SECRET_BYTES
from ...protocol.native.wire.hello_fields import MAX_TEXT_BYTES
from ...protocol.native.wire.lanes import MAX_WINDOW, MIN_WINDOW
from ...protocol.native.wire.offers import CONTRACT_HASH_BYTES, MAX_CONTRACTS, ContractIdentity
from ..call_options import MAX_SECONDS, demand, is_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_SECONDS = 0.001
SECONDS = f"a number of seconds from {MIN_SECONDS} to {MAX_SECONDS}"


def check_seconds(name: str, value: object) -> None:
    """A time that has an end. Raises a CallerError ``ERR_INVALID_OPTION``."""
    demand(is_seconds(value, MIN_SECONDS), name, SECONDS, value)


Verdict = tuple[bool, str]
"""Whether a value fits, and what is wanted."""


def _is_integer(value: object, min_value: int, max_value: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and min_value <= value <= max_value


def integer_to(max_value: int) -> Callable[[Any], Verdict]:
    return lambda value: (_is_integer(value, 1, max_value), f"an integer from 1 to {max_value}")


def seconds(value: object) -> Verdict:
    return is_seconds(value, MIN_SECONDS), SECONDS


def seconds_or_never(value: object) -> Verdict:
    fits, wanted = seconds(value)
    return value is None or fits, f"None or {wanted}"


def boolean(value: object) -> Verdict:
    return isinstance(value, bool), "True or False"


def seconds_or_0(value: object) -> Verdict:
    fits, wanted = seconds(value)
    return fits or (is_seconds(value, 0) and value == 0), f"0 or {wanted}"


def directory(value: object) -> Verdict:
    fits = isinstance(value, str) and value.startswith("/") and "\0" not in value
    return fits or value == "runtime", 'an absolute path or "runtime"'


# The next higher one is reserved for 'no user'.
_MAX_UID = 2**32 - 2


def trust(value: object) -> Verdict:
    fits = _is_list(value) and all(_is_integer(uid, 0, _MAX_UID) for uid in value)
    return fits or value == "any", f'a list of user ids from 0 to {_MAX_UID} or "any"'


def profile(value: object) -> Verdict:
    return value in ("auto", "classic", "native"), '"auto", "classic" or "native"'


def secret(value: object) -> Verdict:
    try:
        count = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0
    except UnicodeEncodeError:
        count = 0
    return 1 <= count <= MAX_SECRET_BYTES, f"text or bytes, of 1 to {MAX_SECRET_BYTES} bytes"


def path(value: object) -> Verdict:
    fits = isinstance(value, str) and os.path.isabs(value) and "\0" not in value
    return fits, "the absolute path of a file"


def short_text(value: object) -> Verdict:
    try:
        fits = isinstance(value, str) and len(value.encode()) <= MAX_TEXT_BYTES
    except UnicodeEncodeError:
        fits = False
    return fits, f"a string of at most {MAX_TEXT_BYTES} bytes of UTF-8"


def window(value: object) -> Verdict:
    return _is_integer(value, MIN_WINDOW, MAX_WINDOW), f"an integer from {MIN_WINDOW} to {MAX_WINDOW}"


def contracts(value: object) -> Verdict:
    each = tuple(value) if _is_list(value) else None
    fits = each is not None and len(each) <= MAX_CONTRACTS and all(map(_is_identity, each))
    fits = fits and len({contract.name for contract in each or ()}) == len(each or ())
    return fits, f"at most {MAX_CONTRACTS} ContractIdentity with different names, of 1 to 255 bytes, and hashes of 32"


def _is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _is_identity(value: object) -> bool:
    if not isinstance(value, ContractIdentity) or value.name == "":
        return False
    is_hash = isinstance(value.hash, bytes) and len(value.hash) == CONTRACT_HASH_BYTES
    return is_hash and short_text(value.name)[0] and short_text(value.version)[0]


def callback(value: object) -> Verdict:
    return value is None or callable(value), "None or something that can be called"
