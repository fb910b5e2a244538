"""The blocking API: the endpoints of ``sealpipe.aio`` on an event loop in a thread of their own."""
