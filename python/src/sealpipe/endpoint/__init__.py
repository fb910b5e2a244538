"""What users of ``sealpipe.aio`` hold: server, client, connection; on asyncio's event loop."""
