"""Everything between an end and its peer, over one connection after another."""
