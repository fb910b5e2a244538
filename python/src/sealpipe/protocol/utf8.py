"""UTF-8 as the wire has it. Source: spec/protocol.md, "Text"."""

from __future__ import annotations


def encode_utf8(text: str) -> bytes:
    """Half of a surrogate pair, for which UTF-8 has no bytes, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def cut_utf8(encoded: bytes, max_bytes: int) -> bytes:
    """As many whole characters as fit into ``max_bytes``."""
    if len(encoded) <= max_bytes:
        return encoded
    end = max_bytes
    while encoded[end] & 0xC0 == 0x80:
        end -= 1
    return encoded[:end]
