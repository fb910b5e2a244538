"""What the system says of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SystemError

if TYPE_CHECKING:
    from .address import Address


def connect_failed(address: Address, cause: OSError) -> SystemError:
    return SystemError("ERR_CONNECT_FAILED", f"cannot connect to {address.shown_path}: {cause.strerror}", cause)


def listen_failed(address: Address, cause: OSError) -> SystemError:
    return SystemError("ERR_LISTEN_FAILED", f"cannot listen at {address.shown_path}: {cause.strerror}", cause)


def accept_failed(cause: OSError) -> SystemError:
    return SystemError("ERR_LISTEN_FAILED", f"new clients cannot be accepted for now: {cause.strerror}", cause)


def address_in_use(address: Address, reason: str, cause: OSError | None = None) -> SystemError:
    return SystemError("ERR_ADDRESS_IN_USE", f"the address {address.shown_path} is in use: {reason}", cause)
