"""Moves bytes: Unix sockets, named pipes; addresses. On asyncio's event loop."""
