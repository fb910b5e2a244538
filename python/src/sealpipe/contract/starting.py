"""Connecting and serving with a contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from .. import aio
from ..errors import PeerError
from .caller import Caller
from .implementer import Implementer

if TYPE_CHECKING:
    from typing import Any

    from ..endpoint.options.options import ClientOptions, ServerOptions
    from .contract import Contract
    from .ends import CallableEndpoint, Handling


async def connect(name: str, contract: Contract, options: ClientOptions) -> Caller:
    told = options.get("on_status")
    again = _Again()

    def on_status(status: Any) -> None:
        if told is not None:
            told(status)
        if status == "connected":
            again.check()

    client = await aio.connect(name, **cast("ClientOptions", {**_offering(contract, options), "on_status": on_status}))
    try:
        again.caller = await bind(client, contract)
    except BaseException as error:
        client.destroy(error)
        raise
    return again.caller


class _Again:
    """A server that is started again may have another version. Then nothing that the client says is understood any
    more."""

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self._checks: set[asyncio.Task[None]] = set()

    def check(self) -> None:
        if self.caller is not None:
            check = asyncio.get_running_loop().create_task(self._check(self.caller))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    async def _check(self, caller: Caller) -> None:
        try:
            await caller.agree()
        except Exception as error:
            # Any other failure is the connection's, which reports it.
            if isinstance(error, PeerError) and error.code == "ERR_CONTRACT_MISMATCH":
                caller.endpoint.destroy(error)


async def bind(endpoint: CallableEndpoint, contract: Contract) -> Caller:
    caller = Caller(endpoint, contract)
    await caller.agree()
    return caller


async def serve(name: str, contract: Contract, handling: Handling, options: ServerOptions) -> Implementer:
    server = await aio.serve(name, **cast("ServerOptions", _offering(contract, options)))
    try:
        return Implementer(server, contract, handling)
    except BaseException:
        await server.close()
        raise


def _offering(contract: Contract, options: Any) -> dict[str, Any]:
    """Tells the peer of the contract, besides others that the options have."""
    others = [other for other in options.get("contracts", ()) if other.name != contract.name]
    return {**options, "codec": "json", "contracts": [contract.identity, *others]}
