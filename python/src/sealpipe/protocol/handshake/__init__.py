"""Both sides of the handshake, and the parts they say."""
