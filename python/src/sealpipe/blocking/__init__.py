"""The blocking face: the endpoints of ``sealpipe.aio`` on an event loop in a thread of their own."""
