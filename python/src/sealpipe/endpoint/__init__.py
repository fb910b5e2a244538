"""The classes of ``sealpipe.aio``: server, client, connection; on asyncio's event loop."""
