"""The addresses of names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..transport.address import Address, resolve_address
from ..transport.users import own_uid
from .options.parse_options import ParsedClientOptions

if TYPE_CHECKING:
    from .options.parse_options import ParsedServerOptions


def address_of(name: str, options: ParsedServerOptions | ParsedClientOptions) -> Address:
    """The address of ``name`` with these options. A server trusts nobody.

    Raises a CallerError ``ERR_INVALID_NAME`` or ``ERR_ADDRESS_TOO_LONG``; SystemError ``ERR_NO_RUNTIME_DIRECTORY``.
    """
    trust = options.trust if isinstance(options, ParsedClientOptions) else ()
    private_to = own_uid() if options.private_directory and sys.platform != "win32" else None
    return resolve_address(name, options.directory, private_to=private_to, trust=trust)
