"""Bytes and times in, events and bytes out. No I/O, clock, timer or randomness in here."""
