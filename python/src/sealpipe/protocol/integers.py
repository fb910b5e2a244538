"""Unsigned big-endian integers of four bytes, as the wire has them."""

from __future__ import annotations


def encode_uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")
