"""The benchmark's program in Python: one of the two processes. Arguments: the peer, and its options as JSON."""

from __future__ import annotations

import asyncio
import json
import sys


def main() -> None:
    name, options = sys.argv[1], json.loads(sys.argv[2])
    # Each loads its own packages alone: what is imported and not used would slow nobody down, but be in memory.
    match name:
        case "multiprocessing":
            from blocking_worker import BlockingWorker
            from connection_peer import ConnectionPeer

            BlockingWorker(ConnectionPeer()).run()
        case "websockets":
            from async_worker import AsyncWorker
            from websockets_peer import WebsocketsPeer

            asyncio.run(AsyncWorker(WebsocketsPeer()).run())
        case "sealpipe":
            from blocking_worker import BlockingWorker
            from sealpipe_peer import BlockingSealpipePeer

            BlockingWorker(BlockingSealpipePeer(options)).run()
        case "sealpipe-asyncio":
            from async_worker import AsyncWorker
            from sealpipe_peer import AsyncSealpipePeer

            asyncio.run(AsyncWorker(AsyncSealpipePeer(options)).run())


main()
