"""Both sides of the handshake, and the parts that they send."""
